// Buttons, keys, wheel and fingers.

/** Return the element with this id. */
const byId = (id) => document.getElementById(id);

/** Return the bytes that an element holds in base64. */
function bytesIn(id) {
  return Uint8Array.from(atob(byId(id).textContent.trim()), (one) => one.charCodeAt(0));
}

/** Make an element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Fill a list of names and texts. Whatever the texts are, they stay texts. */
function fillList(list, pairs) {
  list.replaceChildren(
    ...pairs.flatMap(([name, text]) => [
      make("dt", { textContent: name }),
      make("dd", { textContent: text }),
    ]),
  );
}

/** A number of 1, 2 or 5 times a power of ten, at most this one. */
function roundNumber(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const [step] = [5, 2, 1].filter((digit) => digit * power <= most * (1 + 1e-9));
  return (step ?? 1) * power;
}

/** A number in a few digits, without an exponent where that can be. */
function shortNumber(number, digits = 4) {
  const text = Number(number.toPrecision(digits));
  return Math.abs(text) >= 1e6 || (text !== 0 && Math.abs(text) < 1e-4)
    ? text.toExponential()
    : String(text);
}

/**
 * What can be done, each by a key and most by a button too: `actions` are
 * {key, label, title, run, isOn?, isHidden?}. Returns what brings the buttons up to date.
 */
function setUpActions(actions) {
  const tools = byId("tools");
  const update = [];
  for (const action of actions) {
    if (action === "gap") {
      tools.append(make("span", { className: "gap" }));
      continue;
    }
    if (!action.label) continue;
    const button = make("button", { type: "button", textContent: action.label, title: action.title });
    if (action.keys) button.title += ` (key ${action.keys[0]})`;
    button.addEventListener("click", () => {
      action.run();
      refresh();
    });
    tools.append(button);
    update.push(() => {
      if (action.isOn) button.setAttribute("aria-pressed", String(action.isOn()));
      button.hidden = action.isHidden?.() ?? false;
    });
  }
  const refresh = () => update.forEach((one) => one());
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // A slider or a list has its own arrows, a button its own space.
    const own = event.target.closest?.("input, select, #divider, button");
    const action = actions.find((one) => one.keys?.includes(event.key) && !one.isHidden?.());
    if (!action) return;
    if (own && (event.key.startsWith("Arrow") || [" ", "Enter", "Home"].includes(event.key))) return;
    event.preventDefault();
    action.run(event);
    refresh();
  });
  refresh();
  return refresh;
}

/** The actions that show and hide figures, keys and all the rest. */
function panelActions() {
  const panel = (key, label, title, id) => ({
    keys: [key],
    label,
    title,
    run: () => {
      for (const one of ["facts", "keys"]) byId(one).hidden = one !== id || !byId(one).hidden;
    },
    isOn: () => !byId(id).hidden,
  });
  return [
    panel("i", "Figures", "Figures of the fit", "facts"),
    panel("?", "?", "Keys", "keys"),
    { keys: ["h"], run: () => document.body.classList.toggle("bare") },
  ];
}

/**
 * Wheel, drag, pinch and double click on the canvas. `on` has pan(dx, dy), zoom(factor, x, y) and
 * glide(factor, x, y), all in pixels of the canvas, and may have hover(x, y), click(x, y) and
 * `scrolls`, for which a wheel across pans.
 */
function setUpPointers(canvas, on) {
  const ratio = () => canvas.width / canvas.clientWidth;
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * ratio(), (event.clientY - box.top) * ratio()];
  };
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      // Lines and pages as pixels; a pinch on a touchpad comes as small steps with ctrl.
      const unit = [1, 33, 300][event.deltaMode];
      if (on.scrolls && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        on.pan(event.deltaX * unit * ratio(), 0);
        return;
      }
      const delta = event.deltaY * unit * (event.ctrlKey ? 6 : 1);
      on.zoom(2 ** (-Math.max(-400, Math.min(400, delta)) / 250), ...placeOf(event));
    },
    { passive: false },
  );
  const fingers = new Map();
  let moved = 0; // pixels since the button went down: a click has hardly any
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (!fingers.has(event.pointerId)) {
      on.hover?.(...place);
      return;
    }
    const before = [...fingers.values()];
    fingers.set(event.pointerId, place);
    const after = [...fingers.values()];
    const [from, to] = [middle(before), middle(after)];
    moved += Math.hypot(from[0] - to[0], from[1] - to[1]);
    on.pan(from[0] - to[0], from[1] - to[1]);
    if (after.length === 2) on.zoom(apart(after) / Math.max(1, apart(before)), ...to);
    on.hover?.(...place);
  });
  const release = (event) => fingers.delete(event.pointerId);
  canvas.addEventListener("pointerup", (event) => {
    if (fingers.has(event.pointerId) && moved < 4) on.click?.(...placeOf(event));
    release(event);
  });
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => on.hover?.(null, null));
  canvas.addEventListener("dblclick", (event) => on.glide(event.shiftKey ? 0.5 : 2, ...placeOf(event)));
}

function middle(places) {
  return [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
}

function apart([[x0, y0], [x1, y1]]) {
  return Math.hypot(x1 - x0, y1 - y0);
}

/** The divider between original and field: `place` gets and sets it, as a share of the width. */
function setUpDivider(place) {
  const divider = byId("divider");
  const set = (share) => place.set(Math.min(1, Math.max(0, share)));
  divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId)) set(event.clientX / window.innerWidth);
  });
  divider.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 };
    if (event.key in steps) {
      event.preventDefault();
      set(place.get() + steps[event.key]);
    }
  });
  return () => {
    const share = place.get();
    divider.hidden = share === null;
    if (share !== null) {
      divider.style.left = `${100 * share}%`;
      divider.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    }
  };
}

/** Keep the canvas as many pixels as the screen has for it. */
function keepSize(canvas, resized) {
  const observer = new ResizeObserver(([entry]) => {
    const box = entry.devicePixelContentBoxSize?.[0];
    canvas.width = Math.max(1, box?.inlineSize ?? Math.round(canvas.clientWidth * devicePixelRatio));
    canvas.height = Math.max(1, box?.blockSize ?? Math.round(canvas.clientHeight * devicePixelRatio));
    resized();
  });
  try {
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas); // a browser that counts CSS pixels only
  }
}
