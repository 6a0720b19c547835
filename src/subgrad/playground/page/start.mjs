import { load } from "./compiled.mjs";
import { Page } from "./page.mjs";

/** Unpacks the compiled routines, which are in the document, and opens the page. */
async function start() {
  const given = JSON.parse(document.getElementById("given").textContent);
  const packed = Uint8Array.from(atob(given.module), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const model = await load(await new Response(unpacked).arrayBuffer());
  globalThis.playground = new Page(model, given);
}

start().catch((error) => {
  document.getElementById("story").textContent = `This browser cannot run the page: ${error.message}.`;
  throw error;
});
