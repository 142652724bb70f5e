/** A decoder with a mistake behind four comparisons: no blind change of an input comes there soon. */
export const planted = (input: Uint8Array): string => {
  if (input[0] !== 0xb7) return 'another first byte';
  if (input[1] !== 0x2e) return 'another second byte';
  if (input[2] !== 0x91) return 'another third byte';
  if (input[3] !== 0x5c) return 'another fourth byte';
  throw new TypeError('the planted mistake');
};
