package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How a text is split into the words that BLEU, ROUGE-L, CIDEr and METEOR use. */
public enum WordTokenizer {
  /**
   * As in the RaDialog evaluation: line feeds, {@code <s>} and {@code </s>} are removed without a
   * replacement; {@code word_tokenize} of NLTK 3.10; lower case.
   */
  NLTK {
    @Override
    public List<String> tokens(String text) {
      String plain = text.replace("\n", "").replace("<s>", "").replace("</s>", "");
      return NltkWords.tokens(plain).stream().map(w -> w.toLowerCase(Locale.ROOT)).toList();
    }
  },

  /**
   * As {@code PTBTokenizer} of pycocoevalcap: Penn Treebank tokens as in Stanford CoreNLP, in lower
   * case, without punctuation.
   */
  PTB {
    @Override
    public List<String> tokens(String text) {
      return PtbWords.tokens(text);
    }
  },

  /** The words between white space, unchanged. */
  WHITESPACE {
    @Override
    public List<String> tokens(String text) {
      return split(text);
    }
  };

  /** White space as defined by Python. */
  static final String SPACE = "[\\s\\x1c-\\x1f]";

  /** The words of a text, none of them empty; an empty list for an empty text. */
  public abstract List<String> tokens(String text);

  static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    int begin = 0;
    for (int i = 0; i <= text.length(); i++) {
      if (i == text.length() || isSpace(text.charAt(i))) {
        if (i > begin) {
          words.add(text.substring(begin, i));
        }
        begin = i + 1;
      }
    }
    return words;
  }

  /** Whether Python takes the character for white space. */
  static boolean isSpace(char c) {
    return c == ' '
        || Character.isWhitespace(c)
        || Character.isSpaceChar(c)
        || c == '\u0085'; // next line
  }
}
