// The field in the visitor's GPU: tiles are evaluated into textures, and textures shown.

const SLOT_BYTES_LIMIT = 64 * 2 ** 20; // of weights that the GPU holds at a time

class GpuBackend {
  /**
   * Return one for a canvas, or null where there is no WebGL 2 that renders numbers. One that the
   * browser makes in software is slower than the workers: it must be asked for.
   */
  static on(canvas, field, sources, takesSoftware) {
    const gl = canvas.getContext("webgl2", {
      failIfMajorPerformanceCaveat: !takesSoftware,
      alpha: false,
      antialias: false,
      depth: false,
      preserveDrawingBuffer: true,
      powerPreference: "high-performance",
    });
    if (!gl || gl.isContextLost()) return null;
    const whole = gl.getExtension("EXT_color_buffer_float") && gl.getExtension("EXT_float_blend");
    if (!whole && !gl.getExtension("EXT_color_buffer_float")) {
      if (!gl.getExtension("EXT_color_buffer_half_float")) return null;
    }
    const quads = Math.ceil(field.network.width / 4);
    // First layer, ramps and the rest are plain uniforms; wider networks are for the worker.
    if (4 * quads + 16 > gl.getParameter(gl.MAX_FRAGMENT_UNIFORM_VECTORS)) return null;
    try {
      return new GpuBackend(gl, field, sources, whole);
    } catch (error) {
      console.warn(`WebGL is not used: ${error.message}`);
      return null;
    }
  }

  constructor(gl, field, sources, whole) {
    this.gl = gl;
    this.field = field;
    this.name = "WebGL 2";
    this.parallel = 1; // tiles at a time
    this.side = 256; // their pixels along a side
    this.format = whole ? gl.RGBA32F : gl.RGBA16F;
    this.quads = Math.ceil(field.network.width / 4);
    const { depth } = field.network;
    this.count = (depth - 1) * this.quads * (1 + 4 * this.quads) + 1 + 4 * this.quads;
    this.inBlock = 16 * this.count <= gl.getParameter(gl.MAX_UNIFORM_BLOCK_SIZE);
    this.sources = sources;
    this.programs = new Map();
    this.target = gl.createFramebuffer();
    this.fence = null;
    this.batch = 3e6; // products at a time, changed by how long they take
    this.work = 0;
    gl.bindVertexArray(gl.createVertexArray());
    gl.disable(gl.DITHER);
    this.makeSlots();
    this.blank = this.texture(gl.RGBA8, 1, 1); // what is bound where nothing is looked up
    this.original = null;
    this.shown = this.link(sources.show, {});
    this.network(false);
  }

  // --- Programs ---

  link(fragment, defines) {
    const { gl } = this;
    const lines = Object.entries(defines).map(([name, value]) => `#define ${name} ${value}\n`);
    const text = fragment.replace("#version 300 es\n", `#version 300 es\n${lines.join("")}`);
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, this.sources.quad],
      [gl.FRAGMENT_SHADER, text],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error([gl.getProgramInfoLog(program), ...logs].join(" "));
    }
    const places = {};
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
    for (let i = 0; i < count; i++) {
      const name = gl.getActiveUniform(program, i).name.replace("[0]", "");
      places[name] = gl.getUniformLocation(program, name);
    }
    return { program, places };
  }

  /** The program that evaluates networks, or their slopes; made when it is first used. */
  network(slope) {
    if (!this.programs.has(slope)) {
      const made = this.link(this.sources.network, {
        QUADS: this.quads,
        HIDDEN: this.field.network.depth - 1,
        SLOPE: slope ? 1 : 0,
        SPHERE: this.field.sphere ? 1 : 0,
        COUNT: this.count,
        IN_BLOCK: this.inBlock ? 1 : 0,
      });
      this.programs.set(slope, made);
    }
    return this.programs.get(slope);
  }

  // --- Weights: as many networks as there is room for, those seen last ---

  makeSlots() {
    const { gl } = this;
    const align = gl.getParameter(gl.UNIFORM_BUFFER_OFFSET_ALIGNMENT);
    // A network begins at a row's start in a texture 1024 wide, at an aligned byte in a buffer.
    this.slotRows = Math.ceil(this.count / 1024);
    this.slotBytes = this.inBlock
      ? Math.ceil((16 * this.count) / align) * align
      : 16 * 1024 * this.slotRows;
    const most = this.inBlock
      ? Infinity
      : Math.floor(gl.getParameter(gl.MAX_TEXTURE_SIZE) / this.slotRows);
    const room = Math.max(1, Math.floor(SLOT_BYTES_LIMIT / this.slotBytes));
    this.slotCount = Math.min(room, most, this.members());
    if (this.slotCount < 1) throw new Error("its networks are too large");
    if (this.inBlock) {
      this.weights = gl.createBuffer();
      gl.bindBuffer(gl.UNIFORM_BUFFER, this.weights);
      gl.bufferData(gl.UNIFORM_BUFFER, this.slotCount * this.slotBytes, gl.STATIC_DRAW);
    } else {
      this.weights = this.texture(gl.RGBA32F, 1024, this.slotCount * this.slotRows);
    }
    this.slots = new Map(); // member to {slot, layer}, those used last at the end
  }

  members() {
    return this.field.axes.reduce((count, axis) => count * axis.count, this.field.ensemble);
  }

  texture(format, width, height) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  /** Return where a network's weights are, and its parameters; they are sent when first needed. */
  slotOf(member) {
    const { gl } = this;
    let found = this.slots.get(member);
    if (found) {
      this.slots.delete(member);
    } else {
      let slot = this.slots.size;
      if (slot === this.slotCount) {
        const [oldest, { slot: freed }] = this.slots.entries().next().value;
        this.slots.delete(oldest);
        slot = freed;
      }
      const parameters = this.field.parameters(member);
      const packed = this.packed(parameters);
      if (this.inBlock) {
        gl.bindBuffer(gl.UNIFORM_BUFFER, this.weights);
        gl.bufferSubData(gl.UNIFORM_BUFFER, slot * this.slotBytes, packed);
      } else {
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, this.weights);
        gl.texSubImage2D(
          gl.TEXTURE_2D, 0, 0, slot * this.slotRows, 1024, this.slotRows, gl.RGBA, gl.FLOAT, packed,
        );
      }
      found = { slot, parameters };
    }
    this.slots.set(member, found);
    return found;
  }

  /** Return the layers after the first as the shader reads them: by fours of neurons, first their
   *  biases, then the columns of their weights. */
  packed({ biases, weights }) {
    const { width, depth, out } = this.field.network;
    const values = new Float32Array(this.inBlock ? 4 * this.count : 4096 * this.slotRows);
    let at = 0;
    for (let layer = 1; layer <= depth; layer++) {
      const rows = layer < depth ? width : Math.min(4, out);
      const begin = (layer - 1) * width * width;
      for (let group = 0; group < rows; group += 4) {
        const lanes = Math.min(4, rows - group);
        for (let lane = 0; lane < lanes; lane++) {
          values[at + lane] = biases[layer * width + group + lane];
        }
        at += 4;
        for (let k = 0; k < width; k++) {
          for (let lane = 0; lane < lanes; lane++) {
            values[at + 4 * k + lane] = weights[begin + (group + lane) * width + k];
          }
        }
        at += 16 * this.quads;
      }
    }
    return values;
  }

  // --- Evaluation ---

  /** Tell whether the GPU has done what it was given; learn from it how fast it is. */
  isReady() {
    const { gl } = this;
    if (this.fence === null) return true;
    if (gl.getSyncParameter(this.fence, gl.SYNC_STATUS) !== gl.SIGNALED) return false;
    gl.deleteSync(this.fence);
    this.fence = null;
    // Looked at once a frame: what is done at the first look may have taken any shorter time.
    const elapsed = performance.now() - this.since;
    if (elapsed > 60) this.batch *= Math.max(0.3, 40 / elapsed);
    else if (elapsed < 30 && this.work >= 0.5 * this.batch) this.batch *= 1.5;
    this.batch = Math.min(5e9, Math.max(2e5, this.batch));
    return true;
  }

  /** Products to be given to the GPU at a time: some tens of milliseconds of its work. */
  get budget() {
    return this.batch;
  }

  begun() {
    this.work = 0;
    this.since = performance.now();
  }

  /** All draws of this turn are given: the fence behind them tells when they are done. */
  ended() {
    const { gl } = this;
    if (this.work === 0) return;
    this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
  }

  /**
   * Return what evaluates a tile step by step: each `next()` makes draws until `isOver` tells that
   * it is enough for this turn. At the end the values are in `tile.texture`.
   */
  *evaluate(tile, slope, isOver) {
    const { gl } = this;
    tile.texture ??= this.texture(this.format, tile.columns, tile.rows);
    const products = this.count * 4 * (slope ? 3 : 1);
    let isNew = true;
    for (const draw of drawsOf(this.field, tile)) {
      const [left, right] = draw.stride ? [0, tile.columns] : draw.columns;
      const rowCost = (right - left) * products;
      const most = Math.max(1, Math.floor(this.budget / rowCost));
      for (let top = draw.rows[0]; top < draw.rows[1]; top += most) {
        const bottom = Math.min(top + most, draw.rows[1]);
        this.begin(tile, isNew);
        isNew = false;
        this.prepare(draw, slope, tile);
        gl.scissor(left, top, right - left, bottom - top);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        this.work += rowCost * (bottom - top);
        if (isOver()) yield;
      }
    }
    if (isNew) this.begin(tile, true);
  }

  /** Draw into a tile's texture from now on, emptied first if it is new. */
  begin(tile, isNew) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, tile.texture, 0,
    );
    gl.viewport(0, 0, tile.columns, tile.rows);
    if (isNew) {
      gl.disable(gl.SCISSOR_TEST);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE);
  }

  prepare(draw, slope, tile) {
    const { gl } = this;
    const { program, places } = this.network(slope);
    gl.useProgram(program);
    const { slot, parameters } = this.slotOf(draw.member);
    if (this.inBlock) {
      gl.bindBufferRange(
        gl.UNIFORM_BUFFER, 0, this.weights, slot * this.slotBytes, 16 * this.count,
      );
    } else {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.weights);
      gl.uniform1i(places.weights, 0);
      gl.uniform1i(places.base, slot * this.slotRows * 1024);
    }
    const layer = firstLayer(this.field, draw, parameters);
    const padded = (values) => {
      const all = new Float32Array(4 * this.quads);
      all.set(values);
      return all;
    };
    gl.uniform4fv(places.phase, padded(layer.phase));
    gl.uniform4fv(places.across, padded(layer.across));
    gl.uniform4fv(places.down, padded(layer.down));
    if (layer.third) {
      gl.uniform4fv(places.third, padded(layer.third));
      gl.uniform4fv(places.angles, layer.angles);
    }
    gl.uniform4fv(places.rampsX, draw.rampsX);
    gl.uniform4fv(places.rampsY, draw.rampsY);
    // Slopes are made per pixel and told per sample.
    gl.uniform1f(places.part, slope ? draw.share / tile.step : draw.share);
    gl.uniform4f(places.run, draw.stride, ...draw.columns, draw.stride ? 1 : 0);
    if (slope) gl.uniform4fv(places.parts, slopeWeights(this.field.said));
  }

  /** Return the values of a tile that is done, (rows, columns, 4). */
  read(tile) {
    const { gl } = this;
    const values = new Float32Array(4 * tile.columns * tile.rows);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, tile.texture, 0,
    );
    gl.readPixels(0, 0, tile.columns, tile.rows, gl.RGBA, gl.FLOAT, values);
    return values;
  }

  release(tile) {
    this.gl.deleteTexture(tile.texture);
    tile.texture = null;
  }

  // --- Showing ---

  /** Take the original, an image that has been loaded. */
  setOriginal(image) {
    const { gl } = this;
    this.original = gl.createTexture();
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.original);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  /**
   * Paint the screen: `tiles` from the back to the front, each with its corner and zoom on the
   * screen; `picture` is where the whole picture is. Left of `split` the original is shown.
   */
  show({ width, height, tiles, picture, view, gain, channels, split }) {
    const { gl } = this;
    const { program, places } = this.shown;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.BLEND);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0.07, 0.08, 0.09, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    gl.useProgram(program);
    gl.uniform1i(places.tile, 0);
    gl.uniform1i(places.original, 1);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.original ?? this.blank);
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1f(places.height, height);
    gl.uniform4f(places.picture, ...picture);
    gl.uniform1f(places.gain, gain);
    gl.uniform1i(places.channels, channels);
    const [left, top, wide, high] = picture;
    const clip = (x0, y0, x1, y1) => {
      const [a, b] = [Math.max(0, Math.round(x0)), Math.min(width, Math.round(x1))];
      const [c, d] = [Math.max(0, Math.round(y0)), Math.min(height, Math.round(y1))];
      if (b <= a || d <= c) return false;
      gl.scissor(a, height - d, b - a, d - c);
      return true;
    };
    gl.uniform1i(places.view, view);
    for (const { tile, x, y, zoom } of tiles) {
      const right = tile.isLastColumn ? left + wide : x + tile.columns * zoom;
      const bottom = tile.isLastRow ? top + high : y + tile.rows * zoom;
      if (!clip(Math.max(x, split), y, right, bottom)) continue;
      gl.bindTexture(gl.TEXTURE_2D, tile.texture);
      gl.uniform2f(places.extent, tile.columns, tile.rows);
      gl.uniform2f(places.origin, x, y);
      gl.uniform1f(places.zoom, zoom);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
    if (this.original && clip(left, top, Math.min(left + wide, split), top + high)) {
      gl.bindTexture(gl.TEXTURE_2D, this.blank);
      gl.uniform1i(places.view, 3);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }
}
