package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokens as the tokenizer of pycocoevalcap 1.2 (CoreNLP 3.4.1) gave them for the same texts. */
class PtbWordsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "The patient’s heart ’tis fine | the patient 's heart tis fine",
        "The patient's heart is fine | the patient 's heart is fine",
        "The lungs’ apices ‘clear’ don’t can’t it’s | the lungs apices clear do n't ca n't it 's",
        "we’re they’ll I’ve I’d I’m couldn’t | we 're they 'll i 've i 'd i 'm could n't",
        "in the 90’s | in the 90 's",
        "No effu\u200Bsion\u00AD seen | no effu sion seen",
        "soft\u00ADhyphen zero\u200Bwidth \u200Blead trail\u200B | softhyphen zero width lead"
            + " trail",
        "zw\u200Cnj zw\u200Dj bom\uFEFFx word\u2060joiner | zw nj zw j bom x word joiner",
        "a_b c__d | a_b c __ d",
        "_a a_ __ a__b_c x _ y 1_2 | _ a a _ __ a __ b_c x _ y 1_2"
      })
  void tokensAreThoseOfTheReference(String text, String tokens) {
    assertThat(String.join(" ", WordTokenizer.PTB.tokens(text))).isEqualTo(tokens);
  }
}
