// What there is to do for a tile: which networks, on which of its pixels, from which phases.
//
// A tile is a grid of pixels over the last two axes of the field: pixel (i, j) has its centre at
// (x + (i + 0.5) * step, y + (j + 0.5) * step), in samples; `at` holds the positions along the axes
// before. A field of one axis has runs instead: number n lies at x + (n + 0.5) * step, and row j
// of the tile begins with number j * stride.
//
// The first layer's argument W x + b changes evenly from pixel to pixel, so it is made here, in 64
// bits and with whole turns taken off: no zoom is too deep for it and no sound too long.

/** Return what to draw of a tile, a draw for every block that reaches a pixel of it. */
function drawsOf(field, tile) {
  const draws = [];
  const last = field.axes.length - 1;
  const isRun = last === 0;
  for (const lead of leadingBlocks(field, tile.at ?? [])) {
    const columns = stretches(field.axes[last], tile.x, tile.step, isRun ? tile.count : tile.columns);
    const picturesRows = isRun
      ? null
      : stretches(field.axes[last - 1], tile.y, tile.step, tile.rows);
    for (const column of columns) {
      for (const row of picturesRows ?? [rowsOfRun(column, tile.stride)]) {
        const places = isRun ? [column.place] : [...lead.places, row.place, column.place];
        const draw = {
          columns: [column.first, column.last],
          rows: [row.first, row.last],
          rampsX: column.ramps,
          rampsY: row.ramps,
          share: lead.share / field.ensemble,
          stride: isRun ? tile.stride : 0,
        };
        draw.axes = isRun
          ? [{ ...column, down: tile.stride }]
          : [...lead.axes, { ...row, isRow: true }, column];
        for (const member of field.members(places)) draws.push({ ...draw, member });
      }
    }
  }
  return draws;
}

/** The rows of a tile that a stretch of numbers lies in. */
function rowsOfRun({ first, last }, stride) {
  const ramps = [0, 1, 0, 0]; // the whole share
  return { first: Math.floor(first / stride), last: Math.ceil(last / stride), ramps };
}

/** Which pixels along an axis each block has a share of, and their place in the block. */
function stretches(axis, start, step, count) {
  const found = [];
  for (const block of axis.touching(start, start + count * step)) {
    const first = Math.max(0, Math.ceil((block.begin - start) / step - 0.5));
    const last = Math.min(count, Math.ceil((block.end - start) / step - 0.5));
    if (first < last) {
      const length = block.end - block.begin;
      found.push({
        place: block.place,
        first,
        last,
        ramps: axis.ramps(block, start + 0.5 * step, step),
        // The block's own coordinates, [-1, 1] over its reach: of pixel 0, and their change.
        origin: (2 * (start + 0.5 * step - block.begin)) / length - 1,
        change: (2 * step) / length,
      });
    }
  }
  return found;
}

/** The blocks around a position on the axes before the last two, with their share there. */
function leadingBlocks(field, at) {
  let found = [{ places: [], axes: [], share: 1 }];
  at.forEach((position, number) => {
    const axis = field.axes[number];
    const next = [];
    for (const block of axis.touching(position - 1e-9, position + 1e-9)) {
      if (axis.margin === 0 && !(block.begin <= position && position < block.end)) continue;
      const part = share(axis.ramps(block, position, 1), 0);
      if (part === 0) continue;
      const origin = (2 * (position - block.begin)) / (block.end - block.begin) - 1;
      for (const one of found) {
        next.push({
          places: [...one.places, block.place],
          axes: [...one.axes, { origin, change: 0 }],
          share: one.share * part,
        });
      }
    }
    found = next;
  });
  return found;
}

/**
 * Return the first layer of a draw: its phase at pixel (0, 0) of the tile and what it gains per
 * column and row. On a sphere that one network covers they are the three weights of every neuron
 * and `angles`, the longitude and latitude of pixel 0 and their changes.
 */
function firstLayer(field, draw, { first, biases }) {
  const { in: features, width } = field.network;
  const phase = new Float64Array(width);
  const across = new Float64Array(width);
  const down = new Float64Array(width);
  if (field.sphere) {
    const third = new Float64Array(width);
    for (let n = 0; n < width; n++) {
      phase[n] = biases[n];
      across[n] = first[3 * n];
      down[n] = first[3 * n + 1];
      third[n] = first[3 * n + 2];
    }
    const [row, column] = draw.axes;
    const angles = [
      column.origin * Math.PI,
      column.change * Math.PI,
      (-row.origin * Math.PI) / 2,
      (-row.change * Math.PI) / 2,
    ];
    return { phase, across, down, third, angles };
  }
  for (let n = 0; n < width; n++) {
    let sum = biases[n];
    draw.axes.forEach((axis, number) => {
      const weight = first[n * features + number];
      sum += weight * axis.origin;
      if (axis.isRow) down[n] += weight * axis.change;
      else across[n] += weight * axis.change;
      if (axis.down) down[n] += weight * axis.change * axis.down;
    });
    phase[n] = sum - 2 * Math.PI * Math.round(sum / (2 * Math.PI));
  }
  return { phase, across, down, third: null, angles: null };
}

/** How much of each channel the slope is taken of: of colours their luma (BT.709), else the first. */
function slopeWeights(said) {
  const colours = said.channels - (said.alpha ? 1 : 0);
  return colours === 3 ? [0.2126, 0.7152, 0.0722, 0] : [1, 0, 0, 0];
}
