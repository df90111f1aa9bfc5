/** Sixteen-bit floats, which Node 20 has no arrays of. */

/** `brain`: the upper half of a float32 (BF16); else IEEE half precision (F16). */
export function halfToFloat(bits: number, brain: boolean): number {
  if (brain) {
    VIEW.setUint32(0, bits << 16);
    return VIEW.getFloat32(0);
  }
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const VIEW = new DataView(new ArrayBuffer(4));
