/**
 * Bounds the time in which a client takes its answer.
 *
 * Invariants:
 * - A connection has one listener of ours, however many requests it pipelines. When it closes, no timer is left: an answer
 *   that waits behind others gets no event when its connection closes.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const deadlines = new WeakMap<Socket, Set<NodeJS.Timeout>>();

/** Closes the connection if the answer has not been handed over within this time. */
export function endWithin(response: ServerResponse, socket: Socket, ms: number): void {
  if (response.closed || socket.destroyed) return; // the client has gone
  const timers = timersOf(socket);
  const timer = setTimeout(() => socket.destroy(), ms);
  timer.unref();
  timers.add(timer);
  response.once('close', () => {
    clearTimeout(timer);
    timers.delete(timer);
  });
}

function timersOf(socket: Socket): Set<NodeJS.Timeout> {
  const known = deadlines.get(socket);
  if (known !== undefined) return known;
  const timers = new Set<NodeJS.Timeout>();
  deadlines.set(socket, timers);
  socket.once('close', () => {
    for (const timer of timers) clearTimeout(timer);
  });
  return timers;
}
