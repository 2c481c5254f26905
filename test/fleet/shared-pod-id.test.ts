/** Pods of one process under one podId. */
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { addPod, removePod, warnOfSharedPodId } from '../../src/fleet/shared-pod-id.js';
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

/** The younger one sees these under its podId. */
async function sees(...elders: string[]): Promise<void> {
  warnOfSharedPodId(elders, YOUNGER, createLog('fleet'));
  await new Promise(setImmediate); // when warnings are emitted
}

it('the elder looks at once, and a warning names the option', async () => {
  await sees('elder');
  expect(looks).toBe(1);
  expect(warned).toEqual([expect.stringContaining('podId: "api" is the podId of another started queue')]);
});

it('one that has left is left alone', async () => {
  removePod(ELDER);
  await sees('elder');
  expect([looks, warned]).toEqual([0, []]);
});

it('those of other processes are left alone', async () => {
  await sees('elsewhere');
  expect([looks, warned]).toEqual([0, []]);
});
