import { describe, expect, it } from 'vitest';
import type { PodLogRow } from '../warehouse/tables.js';
import { ChangeReader } from './warehouse-rows.js';

const sign = (event: string, seq: number): PodLogRow =>
  ({ pod_id: 'pod', incarnation: 'a', event, seq, at_ts: 1_000 + seq }) as PodLogRow;

describe('the changes of a warehouse', () => {
  it.each(['left', 'evicted'])('a registration that lands after its incarnation has %s is none', (event) => {
    const reader = new ChangeReader(0);
    const kinds = [sign(event, 2), sign('registered', 1)].map((after) => reader.read({ table: 'podLog', after }));
    expect(kinds).toMatchObject([{ kind: 'member', event }, undefined]);
  });

  it('shows each change of an incarnation once', () => {
    const reader = new ChangeReader(0);
    const signs = [
      sign('registered', 1),
      sign('registered', 1),
      sign('heartbeat', 2),
      sign('left', 3),
      sign('left', 3),
    ];
    const changes = signs.map((after) => reader.read({ table: 'podLog', after }));
    expect(changes.map((change) => change?.kind === 'member' && change.event)).toEqual([
      ...['registered', false, false, 'left', false],
    ]);
  });
});
