// The field that this page holds: its blocks, and the weights of their networks.
//
// Positions are counted in samples of what was fitted: the first sample fills 0 to 1. Everything
// here is plain arithmetic, so that a worker can use it as well as the page.

/** The blocks along one axis: cells of nearly equal length, and what reaches beyond them. */
class BlockAxis {
  constructor({ size, count, margin, wraps }) {
    this.size = size;
    this.count = count;
    this.margin = margin;
    this.wraps = wraps;
  }

  cell(place) {
    return [
      Math.floor((place * this.size) / this.count),
      Math.floor(((place + 1) * this.size) / this.count),
    ];
  }

  hasNeighbour(place, side) {
    const other = place + side;
    return this.count > 1 && (this.wraps || (other >= 0 && other < this.count));
  }

  /**
   * List the blocks that reach a stretch of positions. Of each: its place, the positions that it
   * reaches, and where its share rises and falls (null where there is no neighbour). On an axis
   * that wraps around, a block can come twice.
   */
  touching(from, to) {
    const found = [];
    const turns = this.wraps && this.count > 1 ? [-this.size, 0, this.size] : [0];
    for (const turn of turns) {
      const place = (position) => Math.floor(((position - turn) * this.count) / this.size);
      const first = Math.max(0, place(from - this.margin) - 1);
      const last = Math.min(this.count - 1, place(to + this.margin) + 1);
      for (let at = first; at <= last; at++) {
        const [begin, end] = this.cell(at);
        const before = this.hasNeighbour(at, -1);
        const behind = this.hasNeighbour(at, 1);
        const block = {
          place: at,
          begin: turn + begin - (before ? this.margin : 0),
          end: turn + end + (behind ? this.margin : 0),
          rise: before ? turn + begin : null,
          fall: behind ? turn + end : null,
        };
        if (block.begin < to && block.end > from) found.push(block);
      }
    }
    return found;
  }

  /** Return how a block's share follows from a number p: rise and fall run from 0 to 1 as
   *  slope * p + offset, where p counts steps from `start`. */
  ramps(block, start, step) {
    if (this.margin === 0) return [0, 1, 0, 0];
    const ramp = (edge) => [step / (2 * this.margin), ((start - edge) / this.margin + 1) / 2];
    return [
      ...(block.rise === null ? [0, 1] : ramp(block.rise)),
      ...(block.fall === null ? [0, 0] : ramp(block.fall)),
    ];
  }
}

/** A block's share at number p, from its ramps: a raised cosine on either side. */
function share(ramps, p) {
  return smooth(ramps[0] * p + ramps[1]) * (1 - smooth(ramps[2] * p + ramps[3]));
}

function smooth(progress) {
  return 0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, Math.max(0, progress)));
}

/** The change of a block's share per step, at number p. */
function shareSlope(ramps, p) {
  const rise = ramps[0] * p + ramps[1];
  const fall = ramps[2] * p + ramps[3];
  return (
    smoothSlope(rise) * ramps[0] * (1 - smooth(fall)) - smooth(rise) * smoothSlope(fall) * ramps[2]
  );
}

function smoothSlope(progress) {
  return progress <= 0 || progress >= 1 ? 0 : 0.5 * Math.PI * Math.sin(Math.PI * progress);
}

/** The values of all float16 numbers, by their bits. */
function halfTable() {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    table[bits] = bits & 32768 ? -size : size;
  }
  return table;
}

/** The field: `said` is the description in the page, `chunkText` gives a chunk of its weights. */
class Field {
  constructor(said, chunkText) {
    this.said = said;
    this.shape = said.shape;
    this.channels = said.channels;
    this.axes = said.blocks.map((axis) => new BlockAxis(axis));
    this.ensemble = said.ensemble; // how many times blocks cover the field, which is the mean
    this.network = said.network;
    this.sphere = said.domain === "sphere" && said.network.in === 3;
    this.chunkText = chunkText;
    this.chunks = new Map();
    this.halves = halfTable();
  }

  /** The numbers of the blocks at some places, one of each covering; the last axis is fastest. */
  members(places) {
    const first = places.reduce((number, place, axis) => number * this.axes[axis].count + place, 0);
    const each = this.axes.reduce((count, axis) => count * axis.count, 1);
    return Array.from({ length: this.ensemble }, (_, covering) => first + covering * each);
  }

  /**
   * Return a network's parameters: {first, biases, weights}, of which `first` are the weights of
   * the first layer and `biases` those of all layers, in 32 bits, and `weights` those of the other
   * layers, in 16. A chunk is decoded when one of its networks is first seen.
   */
  parameters(member) {
    const { perChunk, memberBytes } = this.said.weights;
    const { in: features, width, depth, out } = this.network;
    const bytes = this.chunk(Math.floor(member / perChunk));
    const begin = (member % perChunk) * memberBytes;
    const firstCount = width * features;
    const singles = new Float32Array(bytes.buffer, begin, firstCount + depth * width + out);
    const halves = new Uint16Array(
      bytes.buffer,
      begin + 4 * singles.length,
      (depth - 1) * width * width + out * width,
    );
    const weights = new Float32Array(halves.length);
    for (let i = 0; i < halves.length; i++) weights[i] = this.halves[halves[i]];
    return { first: singles.subarray(0, firstCount), biases: singles.subarray(firstCount), weights };
  }

  chunk(number) {
    let bytes = this.chunks.get(number);
    if (bytes === undefined) {
      const text = atob(this.chunkText(number));
      bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
      // Decoded again when it is seen again: the text stays in the page.
      if (this.chunks.size >= 64) this.chunks.delete(this.chunks.keys().next().value);
    } else {
      this.chunks.delete(number);
    }
    this.chunks.set(number, bytes);
    return bytes;
  }
}
