/** What the proxy does not play of a warehouse, in front of a session: `ALTER WAREHOUSE`, and the state that SHOW WAREHOUSES tells. */
import type { WarehouseProxy } from '../../support/warehouse/proxy.js';
import type { Connect, LiveSession } from '../session.js';

export function playingWarehouse(connect: Connect, { suspension, catalogue }: WarehouseProxy): Connect {
  const play = (sql: string): void => {
    const [, change] = /^ALTER WAREHOUSE \S+ (.*)$/i.exec(sql) ?? [];
    if (change === 'SUSPEND') suspension.suspend();
    const [, resumes] = /^SET AUTO_RESUME = (TRUE|FALSE)$/.exec(change ?? '') ?? [];
    if (resumes !== undefined) suspension.configure({ resumable: resumes === 'TRUE' });
    if (/^SHOW WAREHOUSES/i.test(sql)) {
      catalogue.configure({ state: suspension.state === 'running' ? 'STARTED' : 'SUSPENDED' });
    }
  };
  return changing(connect, (sql) => {
    play(sql);
    return sql;
  });
}

/** Sessions whose statements are changed before they are sent. */
export function changing(connect: Connect, change: (sql: string) => string): Connect {
  return async () => {
    const session = await connect();
    const changed: LiveSession = {
      run: (sql, bind) => session.run(change(sql), bind),
      attempt: (sql, bind) => session.attempt(change(sql), bind),
      close: () => session.close(),
    };
    return changed;
  };
}
