import { shown } from "./sample_walk.mjs";

const HIDDEN = { net: "plain", depth: 1, width: 8, activation: "relu", start: "random" };

/** What there is to say of the page as it is, what a reader may want next, and what the theory promises. */
export function storyOf({ settings, training, data, net }) {
  return { ...told(settings, training, data, net), bound: boundOf(settings, training) };
}

function told(settings, training, data, net) {
  const { loss, norm } = training.last, stuck = norm < 1e-6, linear = net.depth === 0;
  if (training.failed) {
    return { text: "The loss is no finite number any more: the steps are too long. A smaller a, or another rule, helps.", offers: [] };
  }
  if (settings.data === "xor" && linear && stuck) {
    return {
      text: `A linear classifier on XOR, loss ${shown(loss)}. Each of the points pulls at the line, and the pulls cancel: the gradient is 0, so no step moves it. `
        + "The loss is convex, so no line does better.",
      offers: [{ text: "Add a hidden layer", changes: HIDDEN }],
    };
  }
  if (settings.data === "xor" && linear) {
    return { text: "A linear classifier on XOR. It goes to where the gradient is 0, and there half of the points at most are safely right.", offers: [{ text: "Add a hidden layer", changes: HIDDEN }] };
  }
  if (settings.start === "zeros" && !linear && stuck && training.step === 0) {
    return { text: "All weights are 0, and so is each product on the way back: no weight between units ever moves. Random first weights break the tie.", offers: [{ text: "Random first weights", changes: { start: "random" } }] };
  }
  if (settings.start === "hand") {
    return { text: "Two units, |x₁ − x₂| − 1, solve XOR. Points 1 and 4 lie on both kinks, where every slope in an interval is right: go through them step by step below.", offers: settings.loss === "hinge" ? [] : [{ text: "Use the hinge loss", changes: { loss: "hinge" } }] };
  }
  if (settings.data === "xor" && training.step === 0) {
    return {
      text: `A hidden layer of ${net.units[0].length} units. Each thin line is where a unit has its kink; between them the answer is linear. The gradient is not 0 any more.`,
      offers: [{ text: "Train it", changes: {}, play: true }, { text: "Solve it by hand", changes: { start: "hand" } }],
    };
  }
  const { right, of, error } = training.quality();
  const now = of ? `${right} of ${of} points are right` : `the typical error is ${shown(error)}`;
  return { text: `After ${training.step} steps the loss is ${shown(loss)}, and ${now}.`, offers: [] };
}

function boundOf(settings, training) {
  if (!training.convex) return "No bound: the loss is not convex in the weights of two layers, and no theorem speaks of it.";
  if (!training.full) return "No bound: it holds for steps that see all points. Choose the batch of all points.";
  const bound = training.bound();
  const said = Number.isFinite(bound) ? ` Now it says that the best loss so far, ${shown(training.best)}, is ${shown(bound)} at most.` : "";
  const distance = Math.sqrt(training.reference.distance);
  return `Dashed: the bound for this rule, f(u) + (R² + Σaₖ²|gₖ|²) / 2Σaₖ, for u with f(u) = ${shown(training.reference.loss)} and R = ${shown(distance)}.${said}`;
}
