/** Pods of one process under one podId. */
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { addPod, removePod, warnOfSharedPodId } from '../../src/fleet/pod-id-twice-in-process.js';
import { createLog } from '../../src/log.js';

const ELDER = { podId: 'api', incarnation: 'elder' };
const YOUNGER = { podId: 'api', incarnation: 'younger' };

let looks: number;
let warned: string[];
beforeEach(() => {
  looks = 0;
  warned = [];
  const listen = ({ message }: Error): void => void warned.push(message);
  process.on('warning', listen);
  addPod(ELDER, () => void looks++);
  onTestFinished(() => {
    process.off('warning', listen);
    removePod(ELDER);
  });
});

/** The younger queue finds these under its podId. */
async function sees(...elders: string[]): Promise<void> {
  warnOfSharedPodId(elders, YOUNGER, createLog('fleet'));
  await new Promise(setImmediate); // when warnings are emitted
}

it('makes the elder send a heartbeat at once, and names the option in a warning', async () => {
  await sees('elder');
  expect(looks).toBe(1);
  expect(warned).toEqual([expect.stringContaining('podId: "api" is the podId of another started queue')]);
});

it('ignores a queue that has left', async () => {
  removePod(ELDER);
  await sees('elder');
  expect([looks, warned]).toEqual([0, []]);
});

it('ignores pods of other processes', async () => {
  await sees('elsewhere');
  expect([looks, warned]).toEqual([0, []]);
});
