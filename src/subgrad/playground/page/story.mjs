import { shown } from "./sample_walk.mjs";

const HIDDEN = { net: "plain", depth: 1, width: 8, activation: "relu", start: "random" };
const ADD = [{ text: "Add a hidden layer", changes: HIDDEN }];

/** What there is to say of the page as it is, what a reader may want next, and what the theory promises. */
export function storyOf({ settings, training, net }) {
  const { loss, norm } = training.last, linear = net.depth === 0, still = norm < 1e-6;
  const first = STORIES.find(({ when }) => when({ settings, training, linear, still })) ?? AFTER;
  const { text, offers = [] } = first.told({ settings, training, net, loss });
  return { text, offers, bound: boundOf(training) };
}

/** The first one that is true is told. */
const STORIES = [
  {
    when: ({ training }) => training.failed,
    told: () => ({
      text: "The loss is no finite number any more: the steps are too long. A smaller a, or another rule, helps.",
    }),
  },
  {
    when: ({ settings, linear, still }) => settings.data === "xor" && linear && still,
    told: ({ loss }) => ({
      text: `A linear classifier on XOR, loss ${shown(loss)}. Each of the points pulls at the line, and the pulls `
        + "cancel: the gradient is 0, so no step moves it. The loss is convex, so no line does better.",
      offers: ADD,
    }),
  },
  {
    when: ({ settings, linear }) => settings.data === "xor" && linear,
    told: () => ({
      text: "A linear classifier on XOR. Its loss is convex, and least where the gradient is 0; there, too, no line "
        + "separates the points.",
      offers: ADD,
    }),
  },
  {
    when: ({ settings, training, still }) => settings.start === "zeros" && still && training.step === 0,
    told: () => ({
      text: "All weights are 0, and so is each product on the way back: no weight between units ever moves. Random "
        + "first weights break the tie.",
      offers: [{ text: "Random first weights", changes: { start: "random" } }],
    }),
  },
  {
    when: ({ settings, training }) => settings.start === "hand" && settings.data === "xor" && training.step === 0,
    told: ({ settings }) => ({
      text: "Two units, |x₁ − x₂| − 1, solve XOR. Points 1 and 4 lie on both kinks, where every slope in an interval "
        + "is right: go through them step by step below.",
      offers: settings.loss === "hinge" ? [] : [{ text: "Use the hinge loss", changes: { loss: "hinge" } }],
    }),
  },
  {
    when: ({ settings, training }) => settings.data === "xor" && training.step === 0,
    told: ({ net }) => ({
      text: `Hidden layers: ${net.units.map((u) => u.length).join(" and ")} units. Each thin line is where a unit has `
        + "its kink; between them the answer is linear. The gradient is not 0 any more.",
      offers: [
        { text: "Train it", changes: {}, play: true }, { text: "Solve it by hand", changes: { start: "hand" } },
      ],
    }),
  },
];

const AFTER = {
  told({ training, loss }) {
    const { right, of, error } = training.quality();
    const now = of ? `${right} of ${of} points are right` : `the typical error is ${shown(error)}`;
    return { text: `After ${training.step} steps the loss is ${shown(loss)}, and ${now}.` };
  },
};

function boundOf(training) {
  if (!training.convex) {
    return "No bound: the loss is not convex in the weights of two layers, and no theorem speaks of it.";
  }
  if (!training.full) return "No bound: it holds for steps that see all points. Choose the batch of all points.";
  const bound = training.bound(), { loss, distance } = training.reference;
  const said = Number.isFinite(bound)
    ? ` Now it says that the best loss so far, ${shown(training.best)}, is ${shown(bound)} at most.` : "";
  return `Dashed: the bound for this rule, f(u) + (R² + Σaₖ²|gₖ|²) / 2Σaₖ, for u with f(u) = ${shown(loss)} `
    + `and R = ${shown(Math.sqrt(distance))}.${said}`;
}
