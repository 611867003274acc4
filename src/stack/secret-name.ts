/** Variables whose value is a credential, judged by their name. */
export const secretName =
  /(^|[_.-])(PASS|PASSWD|PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?)($|[_.-])/i;
