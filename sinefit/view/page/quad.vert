#version 300 es
// A triangle that covers the viewport; what is drawn of it, the viewport and the scissor say.
void main() {
  vec2 corner = vec2((gl_VertexID & 1) << 2, (gl_VertexID & 2) << 1) - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}
