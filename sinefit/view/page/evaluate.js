// The field in plain JavaScript: what the worker does where there is no WebGL 2, and what says in
// a few lines what the shader computes.

/**
 * Return a tile's values, (rows, columns, 4): its first four channels, in about [-1, 1], or with
 * `slope` the slope across and down, per sample, in the first two.
 */
function evaluateTile(field, tile, slope = false) {
  const values = new Float32Array(4 * tile.columns * tile.rows);
  for (const draw of drawsOf(field, tile)) {
    const parameters = field.parameters(draw.member);
    const layer = firstLayer(field, draw, parameters);
    const network = slope
      ? new SlopeNetwork(field, parameters)
      : new PlainNetwork(field, parameters);
    const isRun = draw.stride > 0;
    for (let j = draw.rows[0]; j < draw.rows[1]; j++) {
      const [begin, end] = isRun ? [0, tile.columns] : draw.columns;
      for (let i = begin; i < end; i++) {
        const number = i + draw.stride * j;
        if (isRun && (number < draw.columns[0] || number >= draw.columns[1])) continue;
        network.add(values, 4 * (j * tile.columns + i), draw, layer, i, j, number);
      }
    }
  }
  if (slope) for (let i = 0; i < values.length; i++) values[i] /= tile.step;
  return values;
}

/** One network, evaluated pixel by pixel. */
class PlainNetwork {
  constructor(field, { biases, weights }) {
    Object.assign(this, field.network);
    this.outputs = Math.min(4, this.out);
    // In 64 bits: the sums are made in them, and conversions take as long as products.
    this.biases = Float64Array.from(biases);
    this.weights = Float64Array.from(weights);
    this.hidden = new Float64Array(this.width);
    this.next = new Float64Array(this.width);
  }

  /** Add the network's values at pixel (i, j), times its share there, to `values` from `place`. */
  add(values, place, draw, layer, i, j, number) {
    const { width, depth } = this;
    this.enter(layer, i, j);
    for (let one = 1; one < depth; one++) {
      this.multiply((one - 1) * width * width, one * width);
      for (let n = 0; n < width; n++) this.next[n] = Math.sin(this.next[n]);
      [this.hidden, this.next] = [this.next, this.hidden];
    }
    const part = draw.share * share(draw.rampsX, number) * share(draw.rampsY, j);
    const begin = (depth - 1) * width * width;
    for (let n = 0; n < this.outputs; n++) {
      let sum = this.biases[depth * width + n];
      for (let k = 0; k < width; k++) sum += this.weights[begin + n * width + k] * this.hidden[k];
      values[place + n] += part * sum;
    }
  }

  /** Fill `next` with a layer's sums. Four go side by side: none waits for its last addition. */
  multiply(begin, bias) {
    const { width, weights, biases, hidden, next } = this;
    let n = 0;
    for (; n + 4 <= width; n += 4) {
      const row = begin + n * width;
      let a = biases[bias + n];
      let b = biases[bias + n + 1];
      let c = biases[bias + n + 2];
      let d = biases[bias + n + 3];
      for (let k = 0; k < width; k++) {
        const h = hidden[k];
        a += weights[row + k] * h;
        b += weights[row + width + k] * h;
        c += weights[row + 2 * width + k] * h;
        d += weights[row + 3 * width + k] * h;
      }
      next[n] = a;
      next[n + 1] = b;
      next[n + 2] = c;
      next[n + 3] = d;
    }
    for (; n < width; n++) {
      let sum = biases[bias + n];
      for (let k = 0; k < width; k++) sum += weights[begin + n * width + k] * hidden[k];
      next[n] = sum;
    }
  }

  /** Fill `hidden` with the sines of the first layer. */
  enter({ phase, across, down, third, angles }, i, j) {
    let [u, v, w] = [i, j, 0];
    if (third) [u, v, w] = onSphere(angles, i, j);
    for (let n = 0; n < this.width; n++) {
      const turn = third ? third[n] * w : 0;
      this.hidden[n] = Math.sin(phase[n] + across[n] * u + down[n] * v + turn);
    }
  }
}

function onSphere([longitude, east, latitude, south], i, j) {
  const lon = longitude + east * i;
  const lat = latitude + south * j;
  return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
}

/** One network with its derivatives, which go through the layers beside the values. */
class SlopeNetwork extends PlainNetwork {
  constructor(field, parameters) {
    super(field, parameters);
    this.parts = slopeWeights(field.said);
    this.slopes = [0, 1].map(() => new Float64Array(this.width));
    this.nextSlopes = [0, 1].map(() => new Float64Array(this.width));
  }

  add(values, place, draw, layer, i, j, number) {
    const { width, depth } = this;
    this.enter(layer, i, j);
    this.enterSlopes(layer, i, j);
    for (let one = 1; one < depth; one++) {
      const begin = (one - 1) * width * width;
      for (let n = 0; n < width; n++) {
        let [sum, x, y] = [this.biases[one * width + n], 0, 0];
        for (let k = 0; k < width; k++) {
          const weight = this.weights[begin + n * width + k];
          sum += weight * this.hidden[k];
          x += weight * this.slopes[0][k];
          y += weight * this.slopes[1][k];
        }
        this.next[n] = Math.sin(sum);
        this.nextSlopes[0][n] = Math.cos(sum) * x;
        this.nextSlopes[1][n] = Math.cos(sum) * y;
      }
      [this.hidden, this.next] = [this.next, this.hidden];
      [this.slopes, this.nextSlopes] = [this.nextSlopes, this.slopes];
    }
    let [value, x, y] = [0, 0, 0];
    const begin = (depth - 1) * width * width;
    for (let n = 0; n < this.outputs; n++) {
      if (this.parts[n] === 0) continue;
      let [sum, a, b] = [this.biases[depth * width + n], 0, 0];
      for (let k = 0; k < width; k++) {
        const weight = this.weights[begin + n * width + k];
        sum += weight * this.hidden[k];
        a += weight * this.slopes[0][k];
        b += weight * this.slopes[1][k];
      }
      value += this.parts[n] * sum;
      x += this.parts[n] * a;
      y += this.parts[n] * b;
    }
    // The product rule: the share changes from pixel to pixel too.
    const [sx, sy] = [share(draw.rampsX, number), share(draw.rampsY, j)];
    values[place] += draw.share * sy * (sx * x + shareSlope(draw.rampsX, number) * value);
    values[place + 1] += draw.share * sx * (sy * y + shareSlope(draw.rampsY, j) * value);
  }

  enterSlopes({ phase, across, down, third, angles }, i, j) {
    for (let n = 0; n < this.width; n++) {
      let [sum, x, y] = [phase[n] + across[n] * i + down[n] * j, across[n], down[n]];
      if (third) {
        const [u, v, w] = onSphere(angles, i, j);
        const lat = angles[2] + angles[3] * j;
        const lon = angles[0] + angles[1] * i;
        sum = phase[n] + across[n] * u + down[n] * v + third[n] * w;
        x = angles[1] * (down[n] * u - across[n] * v);
        y =
          angles[3] *
          (third[n] * Math.cos(lat) -
            Math.sin(lat) * (across[n] * Math.cos(lon) + down[n] * Math.sin(lon)));
      }
      this.slopes[0][n] = Math.cos(sum) * x;
      this.slopes[1][n] = Math.cos(sum) * y;
    }
  }
}
