// The page of a picture: what its controls do, and what they tell.

function showPicture(field, backend, canvas) {
  const { said } = field;
  let hover = null;
  let toldAt = "";
  const picture = new Picture(canvas, field, backend, () => (toldAt = null));
  const nearScale = (factor) => picture.glideTo(picture.goalScale * factor);
  const pan = (u, v) => () => picture.pan(u * canvas.width, v * canvas.height);
  const changeGain = (factor) => () => setGain(picture.gains[picture.view] * factor);
  const setGain = (gain) => {
    picture.gains[picture.view] = Math.min(1024, Math.max(0.25, gain));
    picture.isStale = true;
    refresh();
  };

  const lacksOriginal = () => !picture.hasOriginal;
  const actions = [
    { keys: ["+", "="], label: "+", title: "Magnify", run: () => nearScale(2) },
    { keys: ["-", "_"], label: "−", title: "Shrink", run: () => nearScale(0.5) },
    { keys: ["1"], label: "1:1", title: "A pixel per sample", run: () => picture.glideTo(1) },
    { keys: ["0", "Home"], label: "All", title: "Show all", run: () => picture.whole() },
    "gap",
    ...[
      ["values", "v", "Picture", "The field's values"],
      ["slope", "g", "Gradient", "The field's slope: direction as hue, size as brightness"],
      ["error", "e", "Error", "Distance from the original"],
    ].map(([view, key, label, title]) => ({
      keys: [key],
      label,
      title,
      run: () => picture.setView(view),
      isOn: () => picture.view === view,
      isHidden: view === "error" ? lacksOriginal : undefined,
    })),
    {
      keys: ["o"],
      label: "Original",
      title: "The original beside the field",
      run: () => setSplit(picture.split === null ? 0.5 : null),
      isOn: () => picture.split !== null,
      isHidden: lacksOriginal,
    },
    "gap",
    ...panelActions(),
    { keys: ["["], run: changeGain(0.5) },
    { keys: ["]"], run: changeGain(2) },
    { keys: ["ArrowLeft"], run: pan(-0.1, 0) },
    { keys: ["ArrowRight"], run: pan(0.1, 0) },
    { keys: ["ArrowUp"], run: pan(0, -0.1) },
    { keys: ["ArrowDown"], run: pan(0, 0.1) },
  ];
  const refreshActions = setUpActions(actions);

  // --- The original and its divider; the gain of the views that have one ---

  const setSplit = (share) => {
    picture.split = share;
    picture.isStale = true;
    refresh();
  };
  const refreshDivider = setUpDivider({ get: () => picture.split, set: setSplit });
  const gain = make("input", { type: "range", min: -2, max: 10, step: 0.5 });
  const gainLabel = make("label", {}, "gain", gain);
  gain.addEventListener("input", () => setGain(2 ** gain.value));
  byId("tools").append(gainLabel);
  function refresh() {
    refreshActions();
    refreshDivider();
    gainLabel.hidden = picture.view === "values";
    gain.value = Math.log2(picture.gains[picture.view]);
  }
  loadOriginal().then((image) => {
    if (!image) return;
    picture.setOriginal(image);
    refresh();
  });

  // --- What is told ---

  byId("name").textContent = said.name;
  fillList(byId("facts").querySelector("dl"), [...said.facts, ["Evaluated by", backend.name]]);
  fillList(byId("keys").querySelector("dl"), [
    ["drag, arrows", "move"],
    ["wheel, pinch, + −", "magnify, shrink"],
    ["double click", "magnify; with shift shrink"],
    ["1, 0", "a pixel per sample, all"],
    ["v, g", "picture, gradient"],
    ...(said.original ? [["e, o", "error, original beside it"]] : []),
    ["[ ]", "gain of gradient and error"],
    ["i, ?, h", "figures, keys, hide all this"],
    ...playerKeys(said),
  ]);
  function tell() {
    const [u, v] = hover ?? [canvas.width / 2, canvas.height / 2];
    const [x, y] = picture.positionAt(u, v);
    const key = [x, y, picture.scale, picture.shownAt].join();
    if (key === toldAt) return;
    toldAt = key;
    byId("where").textContent = `${shortNumber(picture.scale)}×  ${placeWords(field, picture, x, y)}`;
    showScaleBar(picture.scale * (canvas.clientWidth / canvas.width), said.unit);
    rememberPlace(picture);
  }

  // --- Movement ---

  setUpPointers(canvas, {
    pan: (u, v) => {
      picture.goal = null;
      picture.pan(u, v);
    },
    zoom: (factor, u, v) => {
      picture.goal = null;
      picture.zoomTo(picture.scale * factor, u, v);
    },
    glide: (factor, u, v) => picture.glideTo(picture.goalScale * factor, u, v),
    hover: (u, v) => {
      hover = u === null ? null : [u, v];
      toldAt = null;
    },
  });
  const player = setUpAxes(field, picture);
  let isPlaced = false;
  keepSize(canvas, () => {
    picture.resized();
    if (!isPlaced) goToPlace(picture);
    isPlaced = true;
  });
  window.addEventListener("hashchange", () => goToPlace(picture));
  const root = document.documentElement.dataset;
  const frame = (now) => {
    if (isPlaced) {
      player.step(now);
      picture.step(now);
      tell();
      if (picture.hasShown && !root.first) root.first = String(Math.round(performance.now()));
      root.state = picture.isSettled ? "settled" : "working";
    }
    requestAnimationFrame(frame);
  };
  refresh();
  requestAnimationFrame(frame);
}

/** Load the original that the page holds, if it does. */
async function loadOriginal() {
  if (!byId("original")) return null;
  const blob = new Blob([bytesIn("original")], { type: "image/png" });
  return createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

/** Tell a place and the field's values there, in the signal's own units. */
function placeWords(field, picture, x, y) {
  const { said } = field;
  const place = `x ${x.toFixed(decimals(picture.scale))}  y ${y.toFixed(decimals(picture.scale))}`;
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return place;
  const tile = { x: x - 0.5e-6, y: y - 0.5e-6, step: 1e-6, columns: 1, rows: 1, at: picture.shownAt };
  const values = evaluateTile(field, tile).slice(0, Math.min(4, said.channels));
  const told = [...values].map((one) => shortNumber(((one + 1) / 2) * (said.high - said.low) + said.low));
  return `${place}  ${told.join(" ")}`;
}

function decimals(scale) {
  return Math.max(0, Math.min(8, Math.ceil(Math.log10(scale))));
}

/** Draw the bar that tells lengths: `scale` is CSS pixels per sample. */
function showScaleBar(scale, unit) {
  const bar = byId("scalebar");
  const length = roundNumber(140 / scale);
  bar.querySelector("span").textContent = `${shortNumber(length)} ${unit}`;
  bar.querySelector("i").style.width = `${length * scale}px`;
}
