// The page of a sound, and of any field of one axis.

function showSound(field, backend, canvas) {
  const { said } = field;
  let hover = null;
  let isTold = false;
  const wave = new Waveform(canvas, field, backend, () => (isTold = false));
  const sounds = said.kind === "audio";
  const player = sounds ? new SoundPlayer(field, backend, wave) : null;
  const zoom = (factor) => () => wave.zoomTo(wave.scale * factor);
  const heighten = (factor) => () => {
    wave.height = Math.min(4096, Math.max(1, wave.height * factor));
    wave.isStale = true;
  };
  const actions = [
    { keys: ["+", "="], label: "+", title: "Magnify", run: zoom(2) },
    { keys: ["-", "_"], label: "−", title: "Shrink", run: zoom(0.5) },
    { keys: ["0", "Home"], label: "All", title: "Show all", run: () => wave.whole() },
    { keys: ["]"], label: "↕+", title: "Higher", run: heighten(2) },
    { keys: ["["], label: "↕−", title: "Lower", run: heighten(0.5) },
    "gap",
    ...(sounds
      ? [
          {
            keys: [" "],
            label: "Play",
            title: "Play from the mark, pause",
            run: () => player.toggle(),
            isOn: () => player.isPlaying,
          },
        ]
      : []),
    ...panelActions(),
    { keys: ["ArrowLeft"], run: () => wave.pan(-0.1 * canvas.width) },
    { keys: ["ArrowRight"], run: () => wave.pan(0.1 * canvas.width) },
  ];
  const refresh = setUpActions(actions);
  if (player) player.onChange = refresh;
  byId("name").textContent = said.name;
  fillList(byId("facts").querySelector("dl"), [...said.facts, ["Evaluated by", backend.name]]);
  fillList(byId("keys").querySelector("dl"), [
    ["drag, arrows", "move"],
    ["wheel, pinch, + −", "magnify, shrink"],
    ["0", "all"],
    ["[ ]", "lower, higher"],
    ...(sounds ? [["click, space", "set the mark, play"]] : []),
    ["i, ?, h", "figures, keys, hide all this"],
  ]);

  setUpPointers(canvas, {
    scrolls: true,
    pan: (u) => wave.pan(u),
    zoom: (factor, u) => wave.zoomTo(wave.scale * factor, u),
    glide: (factor, u) => wave.zoomTo(wave.scale * factor, u),
    click: (u) => player?.goTo(wave.positionAt(u)),
    hover: (u) => {
      hover = u;
      isTold = false;
    },
  });
  const tell = () => {
    if (isTold && !player?.isPlaying) return;
    isTold = true;
    const resting = player?.isPlaying ? wave.head : wave.x;
    const position = hover === null ? resting : wave.positionAt(hover);
    byId("where").textContent = soundWords(field, wave, position);
    const ratio = canvas.clientWidth / canvas.width;
    if (said.rate) showTimeBar(wave.scale * ratio * said.rate);
    else showScaleBar(wave.scale * ratio, said.unit);
    rememberPlace(wave);
  };
  let isPlaced = false;
  keepSize(canvas, () => {
    wave.resized();
    if (!isPlaced) goToPlace(wave);
    isPlaced = true;
  });
  window.addEventListener("hashchange", () => goToPlace(wave));
  const root = document.documentElement.dataset;
  const frame = (now) => {
    if (isPlaced) {
      player?.step();
      wave.step(now);
      tell();
      if (wave.hasShown && !root.first) root.first = String(Math.round(performance.now()));
      root.state = wave.isSettled ? "settled" : "working";
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Tell a place in a sound and the values there. */
function soundWords(field, wave, position) {
  const { said } = field;
  const digits = Math.max(3, Math.ceil(Math.log10(wave.scale * (said.rate ?? 1))));
  const place = said.rate
    ? `${(position / said.rate).toFixed(Math.min(9, digits))} s`
    : `x ${position.toFixed(decimals(wave.scale))}`;
  if (position < 0 || position >= wave.size) return place;
  const run = { x: position - 0.5e-6, step: 1e-6, count: 1, stride: 1, columns: 1, rows: 1 };
  const values = evaluateTile(field, run).slice(0, wave.channels);
  const told = [...values].map((one) => shortNumber(((one + 1) / 2) * (said.high - said.low) + said.low, 3));
  return `${place}  ${told.join(" ")}`;
}

/** Draw the bar that tells time: `scale` is CSS pixels per second. */
function showTimeBar(scale) {
  const bar = byId("scalebar");
  const length = roundNumber(140 / scale);
  const [unit, factor] = length >= 1 ? ["s", 1] : length >= 1e-3 ? ["ms", 1e3] : ["µs", 1e6];
  bar.querySelector("span").textContent = `${shortNumber(length * factor)} ${unit}`;
  bar.querySelector("i").style.width = `${length * scale}px`;
}

/**
 * Plays a sound at any speed: the field is evaluated where the loudspeaker's samples fall. Pieces
 * of it are made ahead of time and follow each other without a gap.
 */
class SoundPlayer {
  constructor(field, backend, wave) {
    this.field = field;
    this.backend = backend;
    this.wave = wave;
    this.rate = field.said.rate;
    this.size = field.shape[0];
    this.position = 0; // in samples of what was fitted
    this.speed = 1;
    this.isPlaying = false;
    this.making = null;
    this.onChange = () => {};
    const speeds = [4, 2, 1, 0.5, 0.25, 0.1, 0.02];
    this.speeds = select("Speed", speeds, (one) => `${one}×`, 1);
    this.speeds.addEventListener("change", () => this.setSpeed(+this.speeds.value));
    byId("tools").append(this.speeds);
    wave.setHead(0);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    this.audio ??= new AudioContext();
    this.audio.resume();
    if (this.position >= this.size) this.position = 0;
    this.isPlaying = true;
    this.next = this.position; // of the piece that is made next
    this.until = this.audio.currentTime + 0.1; // what is made so far plays until then
    this.marks = []; // when which position plays
    this.sources = [];
    this.onChange();
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.making = null;
    for (const source of this.sources) source.stop();
    this.onChange();
  }

  setSpeed(speed) {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.speed = speed;
    if (wasPlaying) this.play();
  }

  goTo(position) {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.position = Math.min(this.size, Math.max(0, position));
    this.wave.setHead(this.position);
    if (wasPlaying) this.play();
  }

  step() {
    if (!this.isPlaying) return;
    const now = this.audio.currentTime;
    while (this.marks.length > 1 && this.marks[1].time <= now) this.marks.shift();
    const mark = this.marks[0];
    if (mark && now >= mark.time) {
      const gone = (now - mark.time) * this.rate * this.speed;
      this.position = Math.min(this.size, mark.position + Math.min(gone, mark.length));
      this.wave.setHead(this.position);
      if (this.position >= this.size) return this.pause();
    }
    if (this.making) this.goOn();
    else if (this.next < this.size && this.until - now < 0.7) this.begin();
  }

  /** Begin with the next piece: some tenths of a second. */
  begin() {
    if (!this.backend.isReady()) return;
    const step = (this.rate * this.speed) / this.audio.sampleRate;
    const count = Math.min(64 * RUN_COLUMNS, Math.ceil((this.size - this.next) / step));
    const run = {
      x: this.next - 0.5 * step, // the first sample at `next` itself
      step,
      count,
      stride: RUN_COLUMNS,
      columns: Math.min(RUN_COLUMNS, count),
      rows: Math.ceil(count / RUN_COLUMNS),
    };
    this.backend.begun();
    const steps = this.backend.evaluate(run, false, () => false);
    this.making = { run, steps, isDone: steps.next().done };
    this.backend.ended();
  }

  /** Take the piece that is being made, if it is done, and play it behind the others. */
  goOn() {
    const { run, steps } = this.making;
    if (!this.making.isDone) this.making.isDone = steps.next().done;
    if (!this.making.isDone || !this.backend.isReady()) return;
    const values = this.backend.read(run);
    this.backend.release(run);
    this.making = null;
    const channels = Math.min(2, this.field.channels);
    const buffer = this.audio.createBuffer(channels, run.count, this.audio.sampleRate);
    const { low, high } = this.field.said;
    for (let channel = 0; channel < channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let n = 0; n < run.count; n++) {
        samples[n] = ((values[4 * n + channel] + 1) / 2) * (high - low) + low;
      }
    }
    const source = this.audio.createBufferSource();
    source.buffer = buffer;
    source.connect(this.audio.destination);
    // What comes too late leaves a gap.
    const time = Math.max(this.until, this.audio.currentTime + 0.02);
    source.start(time);
    this.sources = [...this.sources.slice(-8), source];
    this.marks.push({ time, position: this.next, length: run.count * run.step });
    this.until = time + run.count / this.audio.sampleRate;
    this.next += run.count * run.step;
  }
}
