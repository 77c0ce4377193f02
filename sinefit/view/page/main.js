// The page begins: read the description, find what evaluates the field, show it.

function start() {
  const said = JSON.parse(byId("field").textContent);
  const chunk = (number) => byId(`weights-${number}`).textContent.trim();
  const field = new Field(said, chunk);
  const screen = byId("screen");
  const isSound = field.shape.length === 1;
  // A waveform is drawn on a plain canvas, from values that another one has evaluated.
  const canvas = isSound ? document.createElement("canvas") : screen;
  const sources = Object.fromEntries(
    ["quad", "network", "show"].map((name) => [name, byId(`shader-${name}`).textContent.trim()]),
  );
  sources.worker = byId("worker-source").textContent;
  // #webgl takes one in software too, #worker none at all.
  const asked = new URLSearchParams(location.hash.slice(1));
  let backend = asked.has("worker")
    ? null
    : GpuBackend.on(canvas, field, sources, asked.has("webgl"));
  let shown = screen;
  if (backend === null) {
    // A canvas that WebGL has had is of no use for anything else.
    const fresh = canvas.cloneNode();
    if (!isSound) screen.replaceWith((shown = fresh));
    const chunks = Array.from({ length: said.weights.chunks }, (_, number) => chunk(number));
    backend = new WorkerBackend(fresh, field, sources, chunks);
  }
  canvas.addEventListener("webglcontextlost", () => {
    location.hash = "worker";
    location.reload();
  });
  if (isSound) showSound(field, backend, shown);
  else showPicture(field, backend, shown);
}

start();
