// The tiles of a picture: made when they are seen, the coarse ones first, and kept while there is
// room. A layer is all tiles of one scale; tiles are square but for those at the picture's ends.
// How large they are is for the backend to say.

const KEPT_BYTES = 320 * 2 ** 20;

class Tiles {
  constructor(field, backend, onDone) {
    this.field = field;
    this.backend = backend;
    this.onDone = onDone;
    this.tiles = new Map(); // by key, those used last at the end
    this.running = [];
    this.queue = [];
  }

  /**
   * List the tiles of a layer that lie in a rectangle of positions, the ones nearest its middle
   * first. `scale` is pixels per sample, `at` the positions on the axes before the last two.
   */
  inside(layer, [x0, y0, x1, y1]) {
    const { scale } = layer;
    const side = this.backend.side;
    const [height, width] = this.field.shape.slice(-2);
    const [columns, rows] = [width, height].map((size) => Math.max(1, Math.round(size * scale)));
    const range = (from, to, count) => [
      Math.max(0, Math.floor((from * scale) / side)),
      Math.min(Math.ceil(count / side) - 1, Math.floor((to * scale) / side)),
    ];
    const [left, right] = range(x0, x1, columns);
    const [top, bottom] = range(y0, y1, rows);
    const found = [];
    for (let j = top; j <= bottom; j++) {
      for (let i = left; i <= right; i++) {
        found.push({
          key: `${layer.slope ? "slope" : "values"}/${layer.at}/${scale}/${i}/${j}`,
          slope: layer.slope,
          at: layer.at,
          scale,
          i,
          j,
          x: (i * side) / scale,
          y: (j * side) / scale,
          step: 1 / scale,
          columns: Math.min(side, columns - i * side),
          rows: Math.min(side, rows - j * side),
          isLastColumn: (i + 1) * side >= columns,
          isLastRow: (j + 1) * side >= rows,
        });
      }
    }
    const [u, v] = [((x0 + x1) / 2) * scale, ((y0 + y1) / 2) * scale];
    const far = (tile) => Math.hypot((tile.i + 0.5) * side - u, (tile.j + 0.5) * side - v);
    return found.sort((a, b) => far(a) - far(b));
  }

  /** Return the tile if it is done. */
  done(asked) {
    const tile = this.tiles.get(asked.key);
    return tile?.isDone ? tile : null;
  }

  /** Say which tiles are to be made, the most urgent first. */
  want(asked) {
    this.queue = asked.filter(({ key }) => {
      const tile = this.tiles.get(key);
      if (tile) {
        this.tiles.delete(key);
        this.tiles.set(key, tile);
      }
      return !tile?.isDone;
    });
    const wanted = new Set(this.queue.map(({ key }) => key));
    this.running = this.running.filter(({ tile }) => {
      if (wanted.has(tile.key) || this.backend.parallel > 1) return true;
      this.forget(tile);
      return false;
    });
    this.queue = this.queue.filter(({ key }) => !this.tiles.has(key));
    this.forgetOldest();
  }

  get isIdle() {
    return this.running.length === 0 && this.queue.length === 0;
  }

  /** Go on with the tiles for a share of what the backend does at a time. */
  work(part) {
    const { backend } = this;
    if (this.isIdle || !backend.isReady()) return;
    backend.begun();
    const isOver = () => backend.work >= part * backend.budget;
    while (true) {
      while (this.running.length < backend.parallel && this.queue.length > 0) {
        const tile = { ...this.queue.shift(), isDone: false, texture: null };
        this.tiles.set(tile.key, tile);
        this.running.push({ tile, steps: backend.evaluate(tile, tile.slope, isOver) });
      }
      const before = this.running.length;
      this.running = this.running.filter(({ tile, steps }) => {
        if (!steps.next().done) return true;
        tile.isDone = true;
        this.onDone(tile);
        return false;
      });
      // Those that are not done wait for their worker, or have used up the time.
      if (this.running.length === before || isOver()) break;
      if (this.isIdle) break;
    }
    backend.ended();
  }

  forgetOldest() {
    const most = KEPT_BYTES / (16 * this.backend.side ** 2);
    const running = new Set(this.running.map(({ tile }) => tile));
    for (const tile of this.tiles.values()) {
      if (this.tiles.size <= most) break;
      if (!running.has(tile)) this.forget(tile);
    }
  }

  forget(tile) {
    this.tiles.delete(tile.key);
    this.backend.release(tile);
  }

  /** The scales of the layers that have a tile with these positions, one list per call. */
  scales(layer) {
    const start = `${layer.slope ? "slope" : "values"}/${layer.at}/`;
    const found = new Set();
    for (const tile of this.tiles.values()) {
      if (tile.isDone && tile.key.startsWith(start)) found.add(tile.scale);
    }
    return [...found];
  }
}
