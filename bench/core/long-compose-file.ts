/** A Compose file of at least so many lines, as a large team would write it: services that wait for each other, checks, limits. */
export function longComposeFile(lines: number): string {
  const text = ["name: bench-core", "services:"];
  for (let index = 0; text.length < lines - 8; index += 1) text.push(...service(index));
  return [
    ...text,
    "networks:",
    "  front: {}",
    "  back:",
    "    internal: true",
    "volumes:",
    "  data: {}",
    "",
  ].join("\n");
}

/** Twenty lines each. */
function service(index: number): string[] {
  const waits =
    index % 4 === 0
      ? "    depends_on: {}"
      : `    depends_on: { service-${index - 1}: { condition: service_healthy } }`;
  return [
    `  service-${index}:`,
    "    image: registry.example.com/team/app:1.2.3",
    '    command: ["node", "server.js"]',
    "    environment:",
    `      NAME: service-${index}`,
    `      LEVEL: \${LOG_LEVEL:-info}`,
    `      DATABASE_URL: postgres://app:\${DB_PASSWORD:-none}@db.example.com:5432/app`,
    waits,
    "    healthcheck:",
    '      test: ["CMD", "wget", "-q", "--spider", "http://localhost:3000/healthz"]',
    "      interval: 10s",
    "      timeout: 3s",
    "      retries: 3",
    '    expose: ["3000"]',
    "    networks: [front, back]",
    "    restart: unless-stopped",
    "    deploy:",
    "      resources:",
    "        limits: { cpus: '0.5', memory: 256M }",
    "    stop_grace_period: 10s",
  ];
}
