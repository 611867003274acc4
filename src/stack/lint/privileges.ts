import { composeServices, type LintRule } from "./rule.ts";

const dangerous = /^(CAP_)?(ALL|SYS_ADMIN|SYS_MODULE|SYS_PTRACE|NET_ADMIN|DAC_READ_SEARCH)$/i;

/** Rights with which a service can leave its container. */
export const privileges: LintRule = (context, tell) => {
  for (const [name, compose] of composeServices(context)) {
    if (compose.privileged) {
      tell("warning", "PRIVILEGED_SERVICE", {
        path: `services.${name}.privileged`,
        message: "a privileged service can do anything on the machine",
        fix: "remove it and add only the capability or device that the service needs",
      });
    }
    const added = compose.cap_add?.findIndex((capability) => dangerous.test(capability)) ?? -1;
    if (added >= 0) {
      tell("warning", "PRIVILEGED_SERVICE", {
        path: `services.${name}.cap_add[${added}]`,
        message: `${compose.cap_add?.[added]} is nearly as much as full control of the machine`,
        fix: "add only the capability that the service needs",
      });
    }
  }
};
