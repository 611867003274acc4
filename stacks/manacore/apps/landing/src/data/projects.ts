export type LandingProject = {
  name: string;
  title: string;
  promise: string;
  points: readonly string[];
  hue: number;
};

/** Projects with a landing page; mana-core-auth has none. */
export const projects: readonly LandingProject[] = [
  {
    name: "chat",
    title: "Mana Chat",
    promise: "Ask, and get an answer. Every answer costs one credit, and fifty are on us.",
    points: ["Several models", "Your conversations stay yours", "No subscription"],
    hue: 265,
  },
  {
    name: "maerchenzauber",
    title: "Märchenzauber",
    promise: "A fairy tale for tonight, from a hero, a place and a wish.",
    points: ["For reading aloud", "Never the same twice", "Kept for the next evening"],
    hue: 330,
  },
  {
    name: "picture",
    title: "Mana Picture",
    promise: "One sentence in, one picture out.",
    points: ["Scales to any size", "The same sentence, the same picture", "Yours to keep"],
    hue: 200,
  },
  {
    name: "memoro",
    title: "Memoro",
    promise: "Write it down before it is gone.",
    points: ["Stays in your browser", "Works without a connection", "Nothing to sign up for"],
    hue: 150,
  },
  {
    name: "uload",
    title: "uLoad",
    promise: "Short addresses for long ones.",
    points: ["Seven letters", "Only you can list yours", "No tracking in between"],
    hue: 30,
  },
];
