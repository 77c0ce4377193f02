// The field in workers, where there is no WebGL 2: the same tiles, shown on a plain canvas.

class WorkerBackend {
  constructor(canvas, field, { worker }, chunkTexts) {
    this.context = canvas.getContext("2d", { alpha: false });
    this.field = field;
    this.name = "JavaScript";
    this.side = 64; // pixels along a tile's side: a worker has one in some tens of milliseconds
    // Each worker holds the weights, so that large fields have one.
    const weights = chunkTexts.reduce((sum, text) => sum + text.length, 0);
    const wanted = Math.min(4, (navigator.hardwareConcurrency || 2) - 1, 2e8 / weights);
    this.parallel = Math.max(1, Math.floor(wanted));
    const address = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
    this.results = new Map();
    this.number = 0;
    this.idle = Array.from({ length: this.parallel }, () => {
      const one = new Worker(address);
      one.onmessage = ({ data }) => {
        this.results.set(data.number, data.values);
        this.idle.push(one);
      };
      one.postMessage({ said: field.said, chunks: chunkTexts });
      return one;
    });
    this.original = null;
  }

  isReady() {
    return true;
  }

  get budget() {
    return Infinity;
  }

  begun() {
    this.work = 0;
  }

  ended() {}

  *evaluate(tile, slope) {
    while (this.idle.length === 0) yield;
    const number = this.number++;
    const { texture, ...asked } = tile;
    this.idle.pop().postMessage({ number, tile: asked, slope });
    while (!this.results.has(number)) yield;
    tile.values = this.results.get(number);
    this.results.delete(number);
    tile.paints = new Map();
  }

  read(tile) {
    return tile.values;
  }

  release(tile) {
    tile.values = null;
    tile.paints = null;
  }

  setOriginal(image) {
    this.original = image;
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    this.originalPixels = context.getImageData(0, 0, image.width, image.height);
  }

  show({ width, height, tiles, picture, view, gain, channels, split }) {
    const { context } = this;
    context.fillStyle = "rgb(18 20 23)";
    context.fillRect(0, 0, width, height);
    const [left, top, wide, high] = picture;
    const isSeenThrough = (channels === 2 || channels === 4) && view === 0;
    const inside = (x0, paint) => {
      context.save();
      context.beginPath();
      context.rect(x0, Math.round(top), left + wide - x0, Math.round(high));
      context.clip();
      paint();
      context.restore();
    };
    inside(Math.max(left, split), () => {
      for (const { tile, x, y, zoom } of tiles) {
        const paint = this.painted(tile, { view, gain, channels });
        const extent = [x, y, tile.columns * zoom, tile.rows * zoom];
        // What shines through is never the coarser tile behind.
        if (isSeenThrough) this.squares(...extent);
        context.imageSmoothingEnabled = zoom !== 1;
        context.drawImage(paint, ...extent);
      }
    });
    if (this.original && split > left) {
      inside(left, () => {
        context.beginPath();
        context.rect(left, top, split - left, high);
        context.clip();
        if (channels === 2 || channels === 4) this.squares(left, top, wide, high);
        context.imageSmoothingEnabled = wide < this.original.width;
        context.drawImage(this.original, left, top, wide, high);
      });
    }
  }

  /** Fill a rectangle with the squares that stand for nothing. */
  squares(...extent) {
    if (!this.pattern) {
      const canvas = new OffscreenCanvas(24, 24);
      const context = canvas.getContext("2d");
      for (const [x, y] of [[0, 0], [12, 0], [0, 12], [12, 12]]) {
        context.fillStyle = (x + y) % 24 ? "rgb(237 237 237)" : "rgb(204 204 204)";
        context.fillRect(x, y, 12, 12);
      }
      this.pattern = this.context.createPattern(canvas, "repeat");
    }
    this.context.fillStyle = this.pattern;
    this.context.fillRect(...extent);
  }

  /** Return a canvas with a tile's colours; it is kept with the tile. */
  painted(tile, how) {
    const key = `${how.view}/${how.gain}`;
    if (!tile.paints.has(key)) {
      const canvas = new OffscreenCanvas(tile.columns, tile.rows);
      const image = new ImageData(tile.columns, tile.rows);
      for (let j = 0; j < tile.rows; j++) {
        for (let i = 0; i < tile.columns; i++) this.paint(tile, i, j, how, image.data);
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      tile.paints.clear();
      tile.paints.set(key, canvas);
    }
    return tile.paints.get(key);
  }

  paint(tile, i, j, { view, gain, channels }, pixels) {
    const place = 4 * (j * tile.columns + i);
    const value = tile.values.subarray(place, place + 4);
    const unit = (one) => Math.min(1, Math.max(0, 0.5 * one + 0.5));
    let paint = channels < 3 ? [0, 0, 0].map(() => unit(value[0])) : [0, 1, 2].map((n) => unit(value[n]));
    let alpha = 1;
    if (view === 1) {
      paint = slopeColours(value, gain);
    } else if (view === 2) {
      const pixel = this.originalAt(tile, i, j);
      paint = paint.map((one, n) => gain * Math.abs(one - pixel[n] / 255));
    } else if (channels === 2 || channels === 4) {
      alpha = unit(value[channels - 1]);
    }
    for (let n = 0; n < 3; n++) pixels[place + n] = 255 * paint[n]; // rounded and clamped
    pixels[place + 3] = 255 * alpha;
  }

  originalAt(tile, i, j) {
    const { width, height, data } = this.originalPixels;
    const [rows, columns] = this.field.shape.slice(-2);
    const along = (start, number, from, to) =>
      Math.min(to - 1, Math.floor(((start + (number + 0.5) * tile.step) / from) * to));
    const place = along(tile.y, j, rows, height) * width + along(tile.x, i, columns, width);
    return data.subarray(4 * place, 4 * place + 4);
  }
}

/** The slope's direction as hue, its size as brightness, 0 to 1. */
function slopeColours([x, y], gain) {
  const size = Math.min(1, 0.5 * gain * Math.hypot(x, y));
  const hue = (Math.atan2(y, x) * 3) / Math.PI;
  return [0, 4, 2].map((turn) => {
    const part = Math.abs(((hue + turn + 12) % 6) - 3) - 1;
    return size * (0.35 + 0.65 * Math.min(1, Math.max(0, part)));
  });
}
