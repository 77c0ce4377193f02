// A picture to move about in: an image, a frame of a video, a slice of an array.

const VIEWS = ["values", "slope", "error"];
const LARGEST_SCALE = 2 ** 24; // screen pixels per sample: beyond, places are too close for a mouse
const SETTLE = 140; // milliseconds without a change of scale after which the exact layer is made
const REFRESH = 90; // milliseconds between two looks at what has been refined

class Picture {
  constructor(canvas, field, backend, tell) {
    this.canvas = canvas;
    this.field = field;
    this.backend = backend;
    this.tell = tell;
    [this.height, this.width] = field.shape.slice(-2);
    this.at = field.shape.slice(0, -2).map((size) => Math.floor(size / 2) + 0.5);
    this.shownAt = this.at;
    this.view = "values";
    this.gain = 1;
    this.gains = { values: 1, slope: 4, error: 8 };
    this.split = null; // the share of the canvas on whose left the original is shown
    this.hasOriginal = false;
    this.tiles = new Tiles(field, backend, () => (this.hasNews = true));
    this.isStale = true;
    this.hasNews = false;
    this.shownTime = 0;
    this.scaleChanged = 0;
    this.goal = null;
    this.x = this.width / 2;
    this.y = this.height / 2;
    this.scale = 1;
    this.fitted = true;
  }

  // --- Where the view is ---

  /** Screen pixels per sample at which the whole picture is seen. */
  get wholeScale() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.width, height / this.height);
    // What is magnified is so by a whole number: every sample has as many pixels.
    return scale >= 1 ? Math.floor(scale) : scale;
  }

  whole() {
    this.moveTo({ x: this.width / 2, y: this.height / 2, scale: this.wholeScale });
    this.fitted = true;
  }

  resized() {
    if (this.fitted) this.whole();
    this.goal = null;
    this.isStale = true;
  }

  moveTo({ x = this.x, y = this.y, scale = this.scale }) {
    const next = Math.min(LARGEST_SCALE, Math.max(this.leastScale, scale));
    if (next !== this.scale) this.scaleChanged = performance.now();
    this.scale = next;
    this.x = Math.min(this.width, Math.max(0, x));
    this.y = Math.min(this.height, Math.max(0, y));
    this.fitted = false;
    this.isStale = true;
    this.tell();
  }

  /** Return the position under a place on the canvas. */
  positionAt(u, v) {
    const { width, height } = this.canvas;
    return [this.x + (u - width / 2) / this.scale, this.y + (v - height / 2) / this.scale];
  }

  /** Magnify about a place on the canvas, which keeps its position. */
  zoomTo(scale, u = this.canvas.width / 2, v = this.canvas.height / 2) {
    const [x, y] = this.positionAt(u, v);
    this.moveTo({ scale });
    const { width, height } = this.canvas;
    this.moveTo({ x: x - (u - width / 2) / this.scale, y: y - (v - height / 2) / this.scale });
  }

  /** The same, but softly. */
  glideTo(scale, u = this.canvas.width / 2, v = this.canvas.height / 2) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.zoomTo(scale, u, v);
    } else {
      this.goal = { scale: Math.min(LARGEST_SCALE, Math.max(this.leastScale, scale)), u, v };
      this.isStale = true;
    }
  }

  /** The scale that the view is at or on its way to. */
  get goalScale() {
    return this.goal?.scale ?? this.scale;
  }

  get leastScale() {
    return Math.min(this.wholeScale, 1) / 4;
  }

  pan(u, v) {
    this.moveTo({ x: this.x + u / this.scale, y: this.y + v / this.scale });
  }

  /** Where on the canvas the picture's corner is: whole pixels, so that layers are exact. */
  corner() {
    const { width, height } = this.canvas;
    return [
      Math.round(width / 2 - this.x * this.scale),
      Math.round(height / 2 - this.y * this.scale),
    ];
  }

  // --- Drawing ---

  setView(view) {
    if (view === "error" && !this.hasOriginal) return;
    this.view = view;
    this.isStale = true;
    this.tell();
  }

  setOriginal(image) {
    this.backend.setOriginal(image);
    this.hasOriginal = true;
    this.isStale = true;
  }

  /** Whether the view waits for another frame or slice than the one that it shows. */
  get isBehind() {
    return this.shownAt !== this.at;
  }

  setAt(at) {
    this.at = at;
    this.isStale = true;
  }

  /** Go on: move towards the goal, make what is seen, show what there is. */
  step(now) {
    if (this.goal) this.approach();
    // Tiles that come in while the view rests are shown a few at a time: showing costs too.
    const isRefined = this.hasNews && (now - this.shownTime > REFRESH || this.tiles.isIdle);
    if (this.isStale || isRefined) {
      this.isStale = this.hasNews = false;
      this.shownTime = now;
      this.want(now);
      this.show();
    }
    const isMoving = this.goal !== null || now - this.scaleChanged < SETTLE;
    this.tiles.work(isMoving ? 0.3 : 1);
    if (this.isWaiting && now - this.scaleChanged >= SETTLE) this.isStale = true;
  }

  get isSettled() {
    return !this.isStale && !this.hasNews && !this.goal && !this.isWaiting && this.tiles.isIdle;
  }

  approach() {
    const { scale, u, v } = this.goal;
    const ratio = scale / this.scale;
    const isNear = Math.abs(Math.log(ratio)) < 0.01;
    if (isNear) this.goal = null;
    this.zoomTo(isNear ? scale : this.scale * ratio ** 0.25, u, v);
  }

  seen() {
    const { width, height } = this.canvas;
    const [x0, y0] = this.positionAt(0, 0);
    const [x1, y1] = this.positionAt(width, height);
    return [Math.max(0, x0), Math.max(0, y0), Math.min(this.width, x1), Math.min(this.height, y1)];
  }

  /** The scale of what is shown when the view rests. A pixel that holds several samples is the
   *  mean of four values, which linear lookup makes of a layer twice as fine. */
  get exactScale() {
    return this.scale < 1 ? 2 * this.scale : this.scale;
  }

  layer(scale, at = this.at) {
    return { scale, at, slope: this.view === "slope" };
  }

  /** Ask for the tiles that are seen: of two coarse layers, then of the exact one once the scale
   *  rests. The coarse ones' scales are powers of two: they serve while the view moves on. */
  want(now) {
    const rectangle = this.seen();
    if (rectangle[0] >= rectangle[2] || rectangle[1] >= rectangle[3]) {
      this.tiles.want([]);
      return;
    }
    const power = Math.floor(Math.log2(this.scale));
    const asked = [4, 2].flatMap((less) => this.tiles.inside(this.layer(2 ** (power - less)), rectangle));
    const coarse = [...asked];
    this.isWaiting = now - this.scaleChanged < SETTLE && this.tiles.tiles.size > 0;
    if (!this.isWaiting) asked.push(...this.tiles.inside(this.layer(this.exactScale), rectangle));
    this.tiles.want(asked);
    // A new frame or slice is shown when all of it can be, be it coarsely.
    if (coarse.every((tile) => this.tiles.done(tile))) this.shownAt = this.at;
  }

  show() {
    const [left, top] = this.corner();
    const rectangle = this.seen();
    const far = (scale) => Math.abs(Math.log2(scale / this.exactScale));
    const shown = this.layer(this.scale, this.shownAt);
    const scales = this.tiles.scales(shown).sort((a, b) => far(b) - far(a));
    const tiles = [];
    for (const scale of scales.slice(-5)) {
      for (const asked of this.tiles.inside({ ...shown, scale }, rectangle)) {
        const tile = this.tiles.done(asked);
        if (!tile) continue;
        const zoom = this.scale / scale;
        const side = this.backend.side * zoom;
        tiles.push({ tile, x: left + tile.i * side, y: top + tile.j * side, zoom });
      }
    }
    const { said } = this.field;
    const colours = said.channels - (said.alpha ? 1 : 0) === 3 ? 3 : 1;
    this.backend.show({
      width: this.canvas.width,
      height: this.canvas.height,
      tiles,
      picture: [
        left,
        top,
        Math.max(1, Math.round(this.width * this.scale)),
        Math.max(1, Math.round(this.height * this.scale)),
      ],
      view: VIEWS.indexOf(this.view),
      gain: this.gains[this.view],
      channels: colours + (said.alpha ? 1 : 0),
      split: this.split === null ? 0 : Math.round(this.split * this.canvas.width),
    });
    this.hasShown = tiles.length > 0;
  }
}
