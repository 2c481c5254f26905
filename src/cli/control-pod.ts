/** Pauses or resumes one pod. */
import { interruptible } from './interruptible.js';
import type { Io } from './io.js';
import { neutral } from './output/neutral.js';
import { PodApi, type PodFlags } from './pod-api.js';

export async function controlPod(io: Io, action: 'pause' | 'resume', flags: PodFlags): Promise<void> {
  const api = new PodApi(io.env, flags);
  const answer = await interruptible((signal) => api.post(`/api/pod/${action}`, {}, signal));
  await io.stdout.line(neutral(`${action}d ${String(answer['pod_id'])}`));
}
