// The speed of light by hand: which of disk, memory and arithmetic binds.
import { expect, test } from 'vitest';
import { denseLight, mixtureLight } from './speedOfLight.ts';

// Mixtral 8x7B in Q4_K_M on a disk of 5 GB/s: 64 experts of 99.8 MB a token.
const MIXTRAL = { experts: 64, expertBytes: 99.8e6, hitRate: 0.5, residentBytes: 0, weights: 0 };
const MACHINE = { disk: 5e9, memory: 1e15, int8Ops: 1e18 };

test('a disk that binds gives the bytes that miss', () => {
  expect(mixtureLight(MIXTRAL, MACHINE)).toBeCloseTo(1.57, 2);
  expect(mixtureLight({ ...MIXTRAL, hitRate: 0.8 }, MACHINE)).toBeCloseTo(3.91, 2);
  expect(mixtureLight(MIXTRAL, { ...MACHINE, disk: 3e9 })).toBeCloseTo(0.94, 2);
});

test('memory carries what misses twice, and arithmetic counts two operations a weight', () => {
  const token = { experts: 10, expertBytes: 1e6, hitRate: 0.75, residentBytes: 7.5e6, weights: 1e9 };
  expect(mixtureLight(token, { disk: 1e12, memory: 2e9, int8Ops: 1e18 })).toBeCloseTo(100, 6);
  expect(mixtureLight(token, { disk: 1e12, memory: 1e15, int8Ops: 1e11 })).toBeCloseTo(50, 6);
});

test('of a dense model only what stays is not read again', () => {
  expect(denseLight(540e6, 240e6, { disk: 500e6, memory: 10e9, int8Ops: 1 })).toBeCloseTo(5 / 3, 6);
  expect(denseLight(540e6, 540e6, { disk: 500e6, memory: 5.4e9, int8Ops: 1 })).toBeCloseTo(10, 6);
});
