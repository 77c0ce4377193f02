// The axes before a picture's own two: time, played at any speed, and the places of an array.

/** Make a slider per axis; of a video it plays. Returns what goes on with it, frame by frame. */
function setUpAxes(field, picture) {
  const { said } = field;
  const count = field.shape.length - 2;
  if (count > 0 && said.kind === "video") return new Player(field, picture);
  for (let axis = 0; axis < count; axis++) {
    const size = field.shape[axis];
    const slider = make("input", { type: "range", min: 0, max: size, step: "any" });
    const told = make("output");
    slider.value = picture.at[axis];
    slider.setAttribute("aria-label", `Place along axis ${axis}`);
    const set = () => {
      const at = [...picture.at];
      at[axis] = Math.min(size - 1e-6, +slider.value);
      picture.setAt(at);
      told.textContent = (at[axis] - 0.5).toFixed(2);
    };
    slider.addEventListener("input", set);
    set();
    byId("axes").append(make("label", {}, `axis ${axis}`, slider, told));
  }
  return { step() {} };
}

function playerKeys(said) {
  if (said.kind !== "video") return [];
  return [
    ["space", "play, pause"],
    [", .", "a frame back, on"],
  ];
}

/** Plays a video at any speed and any frame rate: the field has a picture for every moment. */
class Player {
  constructor(field, picture) {
    this.picture = picture;
    this.rate = field.said.rate; // the original's frames per second
    this.frames = field.shape[0];
    this.speed = 1;
    this.isPlaying = false;
    this.sound = byId("soundtrack") ? new Soundtrack(bytesIn("soundtrack")) : null;
    this.time = 0.5; // in frames of the original
    this.button = make("button", { type: "button" });
    this.button.addEventListener("click", () => this.toggle());
    this.slider = make("input", { type: "range", min: 0, max: this.frames, step: "any" });
    this.slider.setAttribute("aria-label", "Time");
    this.slider.addEventListener("input", () => {
      this.goTo(+this.slider.value);
      if (this.isPlaying) this.playSound();
    });
    this.told = make("output");
    this.speeds = select("Speed", [2, 1, 0.5, 0.25, 0.1, 0.02], (one) => `${one}×`, 1);
    this.speeds.addEventListener("change", () => {
      this.speed = +this.speeds.value;
      if (this.isPlaying) this.playSound();
    });
    const rates = [...new Set([this.rate, 24, 30, 60, 120])];
    this.rates = select("Frames per second", rates, (one) => `${shortNumber(one)} fps`, this.rate);
    byId("axes").append(make("div", {}, this.button, this.slider, this.told, this.speeds, this.rates));
    window.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
      if (event.key === " " && !event.target.closest("button")) {
        event.preventDefault();
        this.toggle();
      } else if (event.key === "," || event.key === ".") {
        this.pause();
        this.goTo(this.time + (event.key === "," ? -1 : 1));
      }
    });
    this.goTo(this.time);
    this.pause();
  }

  toggle() {
    if (this.isPlaying) return this.pause();
    if (this.time >= this.frames - 0.5) this.time = 0;
    this.isPlaying = true;
    this.button.textContent = "❚❚";
    this.button.setAttribute("aria-label", "Pause");
    this.last = null;
    this.playSound();
  }

  playSound() {
    this.sound?.play(this.time / this.rate, this.speed);
  }

  pause() {
    this.isPlaying = false;
    this.sound?.stop();
    this.button.textContent = "▶";
    this.button.setAttribute("aria-label", "Play");
  }

  goTo(time) {
    this.time = Math.min(this.frames - 1e-3, Math.max(0, time));
    this.slider.value = this.time;
    this.told.textContent = `${(this.time / this.rate).toFixed(3)} s`;
    this.picture.setAt([this.time]);
  }

  /** Go on in time. Frames come at the chosen rate, or as fast as they can be made. */
  step(now) {
    if (!this.isPlaying) return;
    this.last ??= now;
    const seconds = (now - this.last) / 1000;
    if (seconds < 1 / +this.rates.value - 0.004 || this.picture.isBehind) return;
    this.last = now;
    const time = this.time + seconds * this.speed * this.rate;
    this.goTo(time);
    if (time < this.frames) return;
    this.goTo(0); // again from the beginning
    this.playSound();
  }
}

/** The sound of a clip, as it was: it follows the player from where it is told to play. */
class Soundtrack {
  constructor(bytes) {
    this.bytes = bytes;
    this.source = null;
    this.turn = 0; // counts what has been asked, as the sound is decoded meanwhile
  }

  async play(seconds, speed) {
    this.stop();
    const turn = this.turn;
    const asked = performance.now();
    this.audio ??= new AudioContext(); // not before a key or a click: browsers forbid it
    this.audio.resume();
    this.decoded ??= this.audio.decodeAudioData(this.bytes.buffer);
    const buffer = await this.decoded.catch(() => null);
    if (!buffer || turn !== this.turn) return;
    this.source = this.audio.createBufferSource();
    this.source.buffer = buffer;
    this.source.playbackRate.value = speed;
    this.source.connect(this.audio.destination);
    const late = (performance.now() - asked) / 1000;
    this.source.start(0, seconds + late * speed);
  }

  stop() {
    this.turn += 1;
    this.source?.stop();
    this.source = null;
  }
}

function select(label, values, words, chosen) {
  const element = make("select");
  element.setAttribute("aria-label", label);
  for (const value of values) {
    element.append(make("option", { value, textContent: words(value), selected: value === chosen }));
  }
  return element;
}
