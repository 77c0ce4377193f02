#version 300 es
// One block's network at every pixel of its part of a tile, times the block's share there; the
// sum over blocks is made by blending. The page defines, for the networks of its field:
//   QUADS     width / 4, rounded up: neurons go by fours
//   HIDDEN    sine layers after the first
//   SLOPE     1 for the slope across and down instead of the values
//   SPHERE    1 for one network on the unit sphere
//   COUNT     vec4s of weights per network
//   IN_BLOCK  1 where the weights are a uniform block, 0 where they are a texture
precision highp float;
precision highp int;

#if IN_BLOCK
layout(std140) uniform Weights { vec4 weights[COUNT]; };
#define WEIGHT(i) weights[i]
#else
uniform highp sampler2D weights;
uniform int base;
#define WEIGHT(i) texelFetch(weights, ivec2((base + (i)) & 1023, (base + (i)) >> 10), 0)
#endif

uniform vec4 phase[QUADS];   // of the first layer at pixel (0, 0)
uniform vec4 across[QUADS];  // its gain per column
uniform vec4 down[QUADS];    // and per row
#if SPHERE
uniform vec4 third[QUADS];   // the weights of the third coordinate; across and down those of two
uniform vec4 angles;         // longitude of pixel 0 and its change, latitude and its change
#endif
uniform vec4 rampsX;         // how the share rises (slope, offset) and falls (slope, offset)
uniform vec4 rampsY;
uniform float part;          // the share along the axes that are not shown
uniform vec4 run;            // of a field of one axis: stride, first and last number, 1; else 0
uniform vec4 parts;          // what the slope is taken of, per channel

out vec4 values;

const float PI = 3.14159265358979;

// The sine to about 1e-7 for phases up to some thousand. GPUs' own may be off by 5e-4, and only
// within a few turns (the precision that Vulkan demands), which several layers would magnify.
vec4 sine(vec4 phase) {
  vec4 turns = round(phase * (1.0 / PI));
  vec4 x = phase - turns * 3.140625;      // whole half turns, in two parts: the first is exact
  x -= turns * 9.67653589793e-4;
  vec4 square = x * x;
  vec4 series = 2.7525562e-6 - square * 2.3889859e-8;
  series = -1.9840874e-4 + square * series;
  series = 8.3333310e-3 + square * series;
  series = -1.6666667e-1 + square * series;
  vec4 sign = 1.0 - 2.0 * abs(turns - 2.0 * round(0.5 * turns));
  return sign * (x + x * square * series);
}

vec4 cosine(vec4 phase) { return sine(phase + 0.5 * PI); }

// A block's share along both axes, and its change per pixel: a raised cosine, sin^2(pi p / 2), of
// how far its rise and its fall have come at columns' number x and row y.
void shares(float x, float y, out vec2 share, out vec2 slope) {
  vec4 ramps = vec4(rampsX.xz * x + rampsX.yw, rampsY.xz * y + rampsY.yw);
  vec4 progress = clamp(ramps, 0.0, 1.0);
  vec4 s = sine(0.5 * PI * progress);
  vec4 c = cosine(0.5 * PI * progress);
  vec4 level = s * s;
  vec4 change = PI * s * c * vec4(rampsX.xz, rampsY.xz);
  share = level.xz * (1.0 - level.yw);
  slope = change.xz * (1.0 - level.yw) - level.xz * change.yw;
}

// The product of four neurons' weights with the sines before them, column by column.
vec4 product(int at, vec4 h) {
  return WEIGHT(at) * h.x + WEIGHT(at + 1) * h.y + WEIGHT(at + 2) * h.z + WEIGHT(at + 3) * h.w;
}

void main() {
  vec2 pixel = gl_FragCoord.xy - 0.5;
  float number = pixel.x + run.x * pixel.y;
  if (run.w == 1.0 && (number < run.y || number >= run.z)) discard;

  vec4 h[QUADS];
  vec4 next[QUADS];
#if SLOPE
  vec4 hx[QUADS];
  vec4 hy[QUADS];
  vec4 nextX[QUADS];
  vec4 nextY[QUADS];
#endif
  for (int n = 0; n < QUADS; n++) {
#if SPHERE
    float lon = angles.x + angles.y * pixel.x;
    float lat = angles.z + angles.w * pixel.y;
    vec4 s = sine(vec4(lon, lat, 0.0, 0.0));
    vec4 c = cosine(vec4(lon, lat, 0.0, 0.0));
    vec3 point = vec3(c.y * c.x, c.y * s.x, s.y);
    vec4 z = phase[n] + across[n] * point.x + down[n] * point.y + third[n] * point.z;
    vec4 zx = angles.y * (down[n] * point.x - across[n] * point.y);
    vec4 zy = angles.w * (third[n] * c.y - s.y * (across[n] * c.x + down[n] * s.x));
#else
    vec4 z = phase[n] + across[n] * pixel.x + down[n] * pixel.y;
    vec4 zx = across[n];
    vec4 zy = down[n];
#endif
    h[n] = sine(z);
#if SLOPE
    hx[n] = cosine(z) * zx;
    hy[n] = cosine(z) * zy;
#endif
  }

  int at = 0;
  for (int layer = 0; layer < HIDDEN; layer++) {
    for (int n = 0; n < QUADS; n++) {
      vec4 z = WEIGHT(at);  // the biases
      at++;
#if SLOPE
      vec4 zx = vec4(0.0);
      vec4 zy = vec4(0.0);
#endif
      for (int k = 0; k < QUADS; k++) {
        z += product(at, h[k]);
#if SLOPE
        zx += product(at, hx[k]);
        zy += product(at, hy[k]);
#endif
        at += 4;
      }
      next[n] = sine(z);
#if SLOPE
      nextX[n] = cosine(z) * zx;
      nextY[n] = cosine(z) * zy;
#endif
    }
    h = next;
#if SLOPE
    hx = nextX;
    hy = nextY;
#endif
  }

  vec4 value = WEIGHT(at);
  at++;
  vec2 share;
  vec2 slope;
  shares(number, pixel.y, share, slope);
#if SLOPE
  vec4 valueX = vec4(0.0);
  vec4 valueY = vec4(0.0);
  for (int k = 0; k < QUADS; k++) {
    value += product(at, h[k]);
    valueX += product(at, hx[k]);
    valueY += product(at, hy[k]);
    at += 4;
  }
  // The product rule: the share changes from pixel to pixel too.
  float slopeX = share.x * dot(parts, valueX) + slope.x * dot(parts, value);
  float slopeY = share.y * dot(parts, valueY) + slope.y * dot(parts, value);
  values = part * vec4(share.y * slopeX, share.x * slopeY, 0.0, 0.0);
#else
  for (int k = 0; k < QUADS; k++) {
    value += product(at, h[k]);
    at += 4;
  }
  values = part * share.x * share.y * value;
#endif
}
