/** A language and its cards, foreign word first. The order is the order of study. */
export type Deck = {
  code: string;
  name: string;
  nativeName: string;
  cards: readonly (readonly [front: string, back: string])[];
};

export const decks: readonly Deck[] = [
  {
    code: "es",
    name: "Spanish",
    nativeName: "Español",
    cards: [
      ["el agua", "water"],
      ["la casa", "house"],
      ["el perro", "dog"],
      ["la luz", "light"],
      ["el barco", "ship"],
      ["la noche", "night"],
      ["el camino", "way"],
      ["la mano", "hand"],
    ],
  },
  {
    code: "de",
    name: "German",
    nativeName: "Deutsch",
    cards: [
      ["das Wasser", "water"],
      ["das Haus", "house"],
      ["der Hund", "dog"],
      ["das Licht", "light"],
      ["das Schiff", "ship"],
      ["die Nacht", "night"],
      ["der Weg", "way"],
      ["die Hand", "hand"],
    ],
  },
  {
    code: "ja",
    name: "Japanese",
    nativeName: "日本語",
    cards: [
      ["水", "water"],
      ["家", "house"],
      ["犬", "dog"],
      ["光", "light"],
      ["船", "ship"],
      ["夜", "night"],
      ["道", "way"],
      ["手", "hand"],
    ],
  },
];
