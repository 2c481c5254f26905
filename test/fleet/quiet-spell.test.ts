import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuietSpell } from '../../src/fleet/quiet-spell.js';

const GAP = 30_000;
const look = (startedAt: number, nextDueInMs: number | null = null) => ({
  startedAt,
  endedAt: startedAt + 10,
  census: '7',
  nextDueInMs,
});

describe('QuietSpell', () => {
  it('lets a pod sleep after two looks that are far enough apart, under one token that was read before both', () => {
    const spell = new QuietSpell(GAP);
    expect(spell.wantsToken).toBe(false);
    spell.quiet(look(0));
    expect(spell.wantsToken).toBe(true);
    expect(spell.read('t', 20)).toBeUndefined();
    spell.quiet(look(100));
    expect(spell.wantsToken).toBe(false);
    spell.quiet(look(100 + GAP, 5_000));
    expect(spell.wantsToken).toBe(true);
    expect(spell.read('t', 40_000)).toEqual({ token: 't', census: '7', dueAt: 100 + GAP + 10 + 5_000 });
  });

  it('does not count a look that began before the token was read', () => {
    const spell = new QuietSpell(GAP);
    spell.quiet(look(0));
    spell.read('t', 20);
    spell.quiet(look(19));
    spell.quiet(look(19 + GAP));
    expect(spell.wantsToken).toBe(false);
  });

  it('lets a pod sleep only after a quiet gap under one token, whatever happens', () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.constant('quiet' as const) },
      { weight: 4, arbitrary: fc.constant('read' as const) },
      { weight: 1, arbitrary: fc.constant('end' as const) },
      { weight: 1, arbitrary: fc.constant('change' as const) },
    );
    const sequence = fc.array(fc.tuple(event, fc.integer({ min: 1, max: 20_000 })), { maxLength: 60 });
    let slept = 0;
    fc.assert(
      fc.property(sequence, (events) => {
        const spell = new QuietSpell(GAP);
        let now = 0;
        let token = 0;
        let since = 0; // the last thing that may have made work
        let looks: number[] = [];
        for (const [kind, ms] of events) {
          now += ms;
          if (kind === 'quiet') {
            spell.quiet(look(now));
            looks.push(now);
          } else if (kind === 'end') {
            spell.end();
            [since, looks] = [now, []];
          } else if (kind === 'change') {
            token++;
            [since, looks] = [now, []];
          } else if (spell.read(String(token), now) !== undefined) {
            slept++;
            expect((looks.at(-1) ?? 0) - (looks[0] ?? 0)).toBeGreaterThanOrEqual(GAP);
            expect(looks[0]).toBeGreaterThan(since);
          }
        }
      }),
      { seed: 7, numRuns: 2_000 },
    );
    expect(slept).toBeGreaterThan(50);
  });
});
