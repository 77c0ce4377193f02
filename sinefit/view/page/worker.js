// The worker: evaluates tiles where there is no WebGL 2. It holds a copy of the weights.

let field = null;

self.onmessage = ({ data }) => {
  if (data.said) {
    field = new Field(data.said, (number) => data.chunks[number]);
    return;
  }
  const values = evaluateTile(field, data.tile, data.slope);
  self.postMessage({ number: data.number, values }, [values.buffer]);
};
