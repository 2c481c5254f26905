/**
 * The emulator's clock, turned by hand: on its way to the emulator `SYSDATE()` becomes so much later. (In the text of a
 * table it stays: a default is evaluated when a row comes.)
 */
import { Upstream } from '../../../support/warehouse/upstream.js';

let aheadMs = 0;

const query = Object.getOwnPropertyDescriptor(Upstream.prototype, 'query')!.value as Upstream['query'];
Upstream.prototype.query = function (this: Upstream, token: string, body: object) {
  const { sqlText } = body as { readonly sqlText: string };
  const shifts = aheadMs > 0 && !/^\s*CREATE\b/i.test(sqlText);
  const later = `DATEADD(millisecond, ${aheadMs}, SYSDATE())`;
  return query.call(this, token, shifts ? { ...body, sqlText: sqlText.replaceAll('SYSDATE()', later) } : body);
};

export const clock = {
  pass: (ms: number): void => void (aheadMs += ms),
  reset: (): void => void (aheadMs = 0),
};
