#version 300 es
// A tile's values as colours on the screen. Places on the screen are counted from its top left.
precision highp float;
precision highp int;

uniform highp sampler2D tile;
uniform sampler2D original;
uniform vec2 extent;        // the tile's columns and rows
uniform vec2 origin;        // where on the screen its corner is
uniform float zoom;         // screen pixels per pixel of the tile; 1 shows it as it is
uniform float height;       // of the screen
uniform vec4 picture;       // where on the screen the picture is: left, top, width, height
uniform int view;           // 0 values, 1 slope, 2 error, 3 the original
uniform int channels;       // 1 grey, 2 grey and alpha, 3 colours, 4 colours and alpha
uniform float gain;         // what slope and error are multiplied by

out vec4 colour;

vec4 lookUp(vec2 place) {
  if (zoom == 1.0) return texelFetch(tile, ivec2(floor(place)), 0);
  // Linear between the pixels' centres, by hand: not every GPU filters textures of floats.
  vec2 p = clamp(place - 0.5, vec2(0.0), extent - 1.0);
  ivec2 low = ivec2(floor(p));
  ivec2 high = min(low + 1, ivec2(extent) - 1);
  vec2 f = p - vec2(low);
  return mix(
    mix(texelFetch(tile, low, 0), texelFetch(tile, ivec2(high.x, low.y), 0), f.x),
    mix(texelFetch(tile, ivec2(low.x, high.y), 0), texelFetch(tile, high, 0), f.x), f.y);
}

vec3 overSquares(vec3 paint, float alpha, vec2 place) {
  float square = mod(floor(place.x / 12.0) + floor(place.y / 12.0), 2.0);
  return mix(vec3(0.8 + 0.13 * square), paint, alpha);
}

vec3 painted(vec4 value, vec2 place) {
  vec4 v = clamp(0.5 * value + 0.5, 0.0, 1.0);
  if (channels == 1) return v.rrr;
  if (channels == 2) return overSquares(v.rrr, v.g, place);
  if (channels == 3) return v.rgb;
  return overSquares(v.rgb, v.a, place);
}

// The slope's direction as hue, its size as brightness.
vec3 slopeColours(vec2 slope) {
  float size = clamp(0.5 * gain * length(slope), 0.0, 1.0);
  float hue = atan(slope.y, slope.x) * 0.9549296586;  // sixths of a turn
  vec3 paint = clamp(abs(mod(hue + vec3(0.0, 4.0, 2.0), 6.0) - 3.0) - 1.0, 0.0, 1.0);
  return size * mix(vec3(1.0), paint, 0.65);
}

void main() {
  vec2 place = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  vec2 part = (place - picture.xy) / picture.zw;
  if (view == 3) {
    vec4 pixel = texture(original, part);
    bool opaque = channels == 1 || channels == 3;
    colour = vec4(opaque ? pixel.rgb : overSquares(pixel.rgb, pixel.a, place), 1.0);
    return;
  }
  vec4 value = lookUp((place - origin) / zoom);
  if (view == 1) {
    colour = vec4(slopeColours(value.xy), 1.0);
  } else if (view == 2) {
    vec4 pixel = texture(original, part);
    vec4 v = clamp(0.5 * value + 0.5, 0.0, 1.0);
    vec3 paint = channels < 3 ? v.rrr : v.rgb;
    colour = vec4(gain * abs(paint - pixel.rgb), 1.0);
  } else {
    colour = vec4(painted(value, place), 1.0);
  }
}
