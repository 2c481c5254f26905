/** @type {import('next').NextConfig} */
export default {
  // Node.js loads these itself: one has a native driver, and both are one instance for all routes.
  serverExternalPackages: ['fleet-q', 'better-sqlite3'],
  poweredByHeader: false,
};
