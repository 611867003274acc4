import { connect } from "node:net";

const answerTimeoutMs = 2000;

/** Whether a Redis on the loopback interface takes the password and answers `PING`. */
export function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    let answer = "";
    socket.setTimeout(answerTimeoutMs, () => end(false));
    socket.on("connect", () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer.startsWith("-")) end(false);
      else if (answer.includes("+PONG\r\n")) end(true);
    });
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
  });
}
