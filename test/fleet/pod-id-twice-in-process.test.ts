/** Pods of one process under one podId. */
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { addPod, removePod, warnOfSharedPodId } from '../../src/fleet/pod-id-twice-in-process.js';
import { createLog } from '../../src/log.js';
import { systemRuntime } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const ELDER = { podId: 'api', incarnation: 'elder' };
const YOUNGER = { podId: 'api', incarnation: 'younger' };

let looks: number;
let warned: string[];
beforeEach(() => {
  looks = 0;
  warned = [];
  const listen = ({ message }: Error): void => void warned.push(message);
  process.on('warning', listen);
  addPod(ELDER, () => void looks++, systemRuntime);
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
  await expect.poll(() => looks).toBe(1);
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

it('takes a pod on another runtime for one of another process', async () => {
  addPod({ podId: 'api', incarnation: 'simulated' }, () => void looks++, new VirtualRuntime());
  await sees('simulated');
  expect([looks, warned]).toEqual([0, []]);
});
