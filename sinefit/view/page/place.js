// The view in the page's address, #x=..&y=..&zoom=.., so that a link leads to it.

/** Go where the address says, as far as it does. */
function goToPlace(picture) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (asked.has(name) && isFinite(asked.get(name)) ? +asked.get(name) : undefined);
  const [x, y, scale] = ["x", "y", "zoom"].map(number);
  if (scale > 0 || x !== undefined || y !== undefined) {
    picture.goal = null;
    picture.moveTo({ x, y, scale: scale > 0 ? scale : undefined });
  }
  if (VIEWS.includes(asked.get("view"))) picture.setView?.(asked.get("view"));
  if (asked.has("bare")) document.body.classList.add("bare");
}

let rememberTimer = null;

/** Put the view into the address, once it rests. */
function rememberPlace(picture) {
  clearTimeout(rememberTimer);
  rememberTimer = setTimeout(() => {
    const words = new URLSearchParams(location.hash.slice(1));
    const digits = decimals(picture.scale) + 2;
    words.set("x", String(+picture.x.toFixed(digits)));
    if (picture.y !== undefined) words.set("y", String(+picture.y.toFixed(digits)));
    words.set("zoom", String(picture.scale));
    if (picture.fitted) for (const one of ["x", "y", "zoom"]) words.delete(one);
    const text = words.toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname);
  }, 300);
}
