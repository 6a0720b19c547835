// node train.mjs HOST.mjs SIZES SETTINGS...: trains as the page does, without a browser, and prints for each SETTINGS a
// line of JSON: losses, bounds, the parameters, and the Python program that is to do the same.
import { pathToFileURL } from "node:url";
import { network, parameters } from "../../src/subgrad/playground/page/network.mjs";
import { program } from "../../src/subgrad/playground/page/program.mjs";
import { OPENING, settled } from "../../src/subgrad/playground/page/settings.mjs";
import { toyData } from "../../src/subgrad/playground/page/toy_data.mjs";
import { Training } from "../../src/subgrad/playground/page/training.mjs";

const [host, sizes, ...all] = process.argv.slice(2);
const { load } = await import(pathToFileURL(host));
const model = await load();
for (const text of all) {
  const asked = { ...OPENING, ...JSON.parse(text) }, data = toyData(asked), settings = settled(asked, data);
  const known = JSON.parse(sizes), net = network(settings, settings.loss === "cross_entropy" ? data.classes : 1, known);
  const training = new Training(model, known);
  training.begin(settings, data, net);
  const losses = [];
  for (let k = 0; k < asked.steps; k++) {
    training.run(1);
    losses.push(training.last.loss);
  }
  const { first, bounds } = { first: training.first, bounds: training.curve.bounds };
  console.log(JSON.stringify({
    losses, bounds, best: training.best, right: training.quality(), now: parameters(net, model.state), first,
    program: program(settings, data, net, first),
  }));
}
