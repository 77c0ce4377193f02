// A waveform to move along in: of a sound, or of any field of one axis.
//
// It is made of runs: the values at evenly spaced positions, several for every column of the
// screen where columns hold many samples. Of those each column shows the extent; from half a
// sample per column on, the values are a line.

const RUN_COLUMNS = 256;
const MOST_POINTS = 16; // values per column, of which the extent is shown
const WAVE_COLOURS = ["rgb(90 170 250)", "rgb(250 170 90)", "rgb(120 210 130)", "rgb(220 130 220)"];

/** The runs of a waveform, kept as tiles are. */
class Runs extends Tiles {
  /** List the runs of a layer over a stretch of positions; `scale` is columns per sample. */
  inside({ scale }, [x0, x1]) {
    const [size] = this.field.shape;
    const points = pointsPerColumn(scale);
    const columns = Math.ceil(size * scale);
    const found = [];
    const last = Math.min(Math.ceil(columns / RUN_COLUMNS) - 1, Math.floor((x1 * scale) / RUN_COLUMNS));
    for (let i = Math.max(0, Math.floor((x0 * scale) / RUN_COLUMNS)); i <= last; i++) {
      const count = Math.min(RUN_COLUMNS, columns - i * RUN_COLUMNS) * points;
      found.push({
        key: `${scale}/${i}`,
        scale,
        i,
        x: (i * RUN_COLUMNS) / scale,
        step: 1 / (scale * points),
        count,
        points,
        stride: RUN_COLUMNS,
        columns: Math.min(RUN_COLUMNS, count),
        rows: Math.ceil(count / RUN_COLUMNS),
      });
    }
    return found;
  }
}

function pointsPerColumn(scale) {
  return scale >= 2 ? 1 : Math.min(MOST_POINTS, Math.max(2, Math.ceil(2 / scale)));
}

class Waveform {
  constructor(canvas, field, backend, tell) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.field = field;
    this.backend = backend;
    this.tell = tell;
    [this.size] = field.shape;
    this.channels = Math.min(4, field.channels);
    this.runs = new Runs(field, backend, (run) => this.unread.push(run));
    this.unread = []; // done, but the GPU may still be at it
    this.x = this.size / 2; // the position in the middle
    this.scale = 1; // columns per sample
    this.height = 1; // what the values are multiplied by
    this.head = null; // where it plays
    this.fitted = true;
    this.goal = null;
    this.isStale = true;
    this.scaleChanged = 0;
  }

  get wholeScale() {
    return this.canvas.width / this.size;
  }

  whole() {
    this.moveTo({ x: this.size / 2, scale: this.wholeScale });
    this.fitted = true;
  }

  resized() {
    if (this.fitted) this.whole();
    this.isStale = true;
  }

  moveTo({ x = this.x, scale = this.scale }) {
    const next = Math.min(2 ** 16, Math.max(this.wholeScale / 2, scale));
    if (next !== this.scale) this.scaleChanged = performance.now();
    this.scale = next;
    this.x = Math.min(this.size, Math.max(0, x));
    this.fitted = false;
    this.isStale = true;
    this.tell();
  }

  positionAt(u) {
    return this.x + (u - this.canvas.width / 2) / this.scale;
  }

  zoomTo(scale, u = this.canvas.width / 2) {
    const x = this.positionAt(u);
    this.moveTo({ scale });
    this.moveTo({ x: x - (u - this.canvas.width / 2) / this.scale });
  }

  pan(u) {
    this.moveTo({ x: this.x + u / this.scale });
  }

  setHead(position) {
    this.head = position;
    this.isStale = true;
  }

  step(now) {
    this.read();
    if (this.isWaiting && now - this.scaleChanged >= SETTLE) this.isStale = true;
    if (this.isStale) {
      this.isStale = false;
      this.want(now);
      this.show();
    }
    if (this.unread.length === 0) this.runs.work(1);
  }

  get isSettled() {
    return !this.isStale && !this.isWaiting && this.runs.isIdle && this.unread.length === 0;
  }

  /** Take the values of runs that are done, and let go of what the GPU has of them. */
  read() {
    if (this.unread.length === 0 || !this.backend.isReady()) return;
    for (const run of this.unread) {
      const values = this.backend.read(run);
      run.waves = Array.from({ length: this.channels }, (_, channel) => extents(run, values, channel));
      this.backend.release(run);
    }
    this.unread = [];
    this.isStale = true;
  }

  seen() {
    return [Math.max(0, this.positionAt(0)), Math.min(this.size, this.positionAt(this.canvas.width))];
  }

  want(now) {
    const stretch = this.seen();
    const coarse = 2 ** Math.floor(Math.log2(this.scale) - 3);
    const asked = this.runs.inside({ scale: coarse }, stretch);
    this.isWaiting = now - this.scaleChanged < SETTLE && this.runs.tiles.size > 0;
    if (!this.isWaiting) asked.push(...this.runs.inside({ scale: this.scale }, stretch));
    this.runs.want(asked);
  }

  // --- Drawing ---

  show() {
    const { context, canvas } = this;
    context.fillStyle = "rgb(18 20 23)";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const left = this.columnOf(0);
    const right = this.columnOf(this.size);
    for (let channel = 0; channel < this.channels; channel++) {
      const [top, bottom] = this.band(channel);
      context.fillStyle = "rgb(255 255 255 / 12%)";
      context.fillRect(left, Math.round((top + bottom) / 2), right - left, 1);
    }
    // Every stretch of the screen by the run that suits it best.
    this.hasShown = false;
    const far = (run) => Math.abs(Math.log2(run.scale / this.scale));
    const done = [...this.runs.tiles.values()].filter((run) => run.waves).sort((a, b) => far(a) - far(b));
    let open = [[Math.max(0, left), Math.min(canvas.width, right)]];
    for (const run of done) {
      const begin = this.columnOf(run.x);
      const end = this.columnOf(run.x + (run.columns * run.rows * run.step));
      const next = [];
      for (const [a, b] of open) {
        const [from, to] = [Math.max(a, begin), Math.min(b, end)];
        if (from >= to) {
          next.push([a, b]);
          continue;
        }
        this.drawRun(run, from, to);
        if (a < from) next.push([a, from]);
        if (to < b) next.push([to, b]);
      }
      open = next;
      if (open.length === 0) break;
    }
    if (this.head !== null) {
      context.fillStyle = "rgb(255 255 255 / 80%)";
      context.fillRect(Math.round(this.columnOf(this.head)), 0, 1, canvas.height);
    }
  }

  columnOf(position) {
    return this.canvas.width / 2 + (position - this.x) * this.scale;
  }

  band(channel) {
    const height = this.canvas.height / this.channels;
    return [channel * height + 0.04 * height, (channel + 1) * height - 0.04 * height];
  }

  drawRun(run, from, to) {
    const { context } = this;
    this.hasShown = true;
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, this.canvas.height);
    context.clip();
    const first = this.columnOf(run.x);
    const width = this.scale / run.scale;
    run.waves.forEach(({ low, high }, channel) => {
      const [top, bottom] = this.band(channel);
      const row = (value) => top + ((1 - value * this.height) / 2) * (bottom - top);
      context.fillStyle = context.strokeStyle = WAVE_COLOURS[channel];
      if (run.points > 1) {
        for (let i = 0; i < low.length; i++) {
          const [y0, y1] = [row(high[i]), row(low[i])];
          context.fillRect(first + i * width, y0, Math.max(1, width), Math.max(1, y1 - y0));
        }
        return;
      }
      context.lineWidth = 1.5;
      context.beginPath();
      low.forEach((value, i) => context.lineTo(first + (i + 0.5) * width, row(value)));
      context.stroke();
      if (this.scale >= 8) this.drawSamples(run, low, row, first, width);
    });
    context.restore();
  }

  /** Mark what was fitted: the samples, where they are far enough apart. */
  drawSamples(run, values, row, first, width) {
    const { context } = this;
    const begin = Math.ceil(run.x - 0.5);
    const end = run.x + values.length / run.scale;
    for (let sample = begin; sample + 0.5 < end; sample++) {
      const at = (sample + 0.5 - run.x) * run.scale - 0.5;
      const i = Math.min(values.length - 1, Math.max(0, Math.floor(at)));
      const next = values[Math.min(values.length - 1, i + 1)];
      const value = values[i] + (at - i) * (next - values[i]);
      context.beginPath();
      context.arc(first + (at + 0.5) * width, row(value), 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

/** The lowest and the highest value of a channel in every column of a run. */
function extents(run, values, channel) {
  const columns = Math.floor(run.count / run.points);
  const low = new Float32Array(columns).fill(Infinity);
  const high = new Float32Array(columns).fill(-Infinity);
  for (let n = 0; n < columns * run.points; n++) {
    const column = Math.floor(n / run.points);
    const value = values[4 * n + channel];
    if (value < low[column]) low[column] = value;
    if (value > high[column]) high[column] = value;
  }
  return { low, high };
}
