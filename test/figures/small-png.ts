import { deflateSync, inflateSync } from 'node:zlib';

// Screenshots have few colors: of a palette of 256 they take a third of the bytes.

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const mostColors = 256;

/** The CRC-32 of PNG's chunks (PNG, annex D). */
const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
};

const chunk = (type: string, data: Uint8Array): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, crc]);
};

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 24 bits each. */
  readonly colors: Uint32Array;
}

const paeth = (a: number, b: number, c: number): number => {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
};

/** Reads what Chromium writes: 8 bits a sample, RGB or RGBA without transparency, not interlaced. */
const read = (png: Buffer): Pixels => {
  const [width, height, samples] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3];
  if (png[24] !== 8 || png[28] !== 0) throw new Error('another kind of PNG');
  const data: Buffer[] = [];
  for (let at = signature.length; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(data));
  const row = width * samples;
  const bytes = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const a = x < samples ? 0 : (bytes[y * row + x - samples] ?? 0);
      const b = y === 0 ? 0 : (bytes[(y - 1) * row + x] ?? 0);
      const c = x < samples || y === 0 ? 0 : (bytes[(y - 1) * row + x - samples] ?? 0);
      const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter ?? 0] ?? 0;
      bytes[y * row + x] = (raw[y * (row + 1) + 1 + x] ?? 0) + guess;
    }
  }
  const colors = new Uint32Array(width * height).map((_, i) => {
    const [red = 0, green = 0, blue = 0] = bytes.subarray(i * samples, i * samples + 3);
    return (red << 16) | (green << 8) | blue;
  });
  return { width, height, colors };
};

const distance = (a: number, b: number): number =>
  [16, 8, 0].reduce((sum, shift) => sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0);

/** The same picture with the 256 colors that it has most of, in place of others the nearest of these. */
export const smallPng = (png: Buffer): Buffer => {
  const { width, height, colors } = read(png);
  const counts = new Map<number, number>();
  for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1);
  const palette = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, mostColors)
    .map(([color]) => color);
  const places = new Map(palette.map((color, place) => [color, place]));
  const placeOf = (color: number): number => {
    const known = places.get(color);
    if (known !== undefined) return known;
    const place = palette.reduce(
      (best, one, i) => (distance(one, color) < distance(palette[best] ?? 0, color) ? i : best),
      0,
    );
    places.set(color, place);
    return place;
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = placeOf(colors[y * width + x] ?? 0);
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const table = Buffer.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  const data = deflateSync(rows, { level: 9 });
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('PLTE', table),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};
