package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.radialog.base.RadialogException;

class PhraseTableTest {
  /** Words that only a table of phrases tells apart. */
  private record Plain(PhraseTable table) implements Tokens.Words {
    @Override
    public int classOf(CharSequence text, int from, int to) {
      return table.classOf(text, from, to);
    }

    @Override
    public boolean abbreviation(String text, int from, int to) {
      return false;
    }

    @Override
    public boolean shortened(String text, int from, int to) {
      return false;
    }

    @Override
    public boolean goesOn(int wordClass) {
      return false;
    }

    @Override
    public int contracted(int wordClass) {
      return -1;
    }

    @Override
    public int not() {
      return 0;
    }
  }

  /** The longest match of {@code phrase} from the first word of {@code text} on. */
  private static String found(String phrase, String text) {
    var builder = new PhraseTable.Builder();
    builder.define("@HEART", "heart | cardiac (silhouette|shadow)");
    builder.define("@BOTH", "@HEART | mediastinum");
    builder.add(phrase, 7);
    PhraseTable table = builder.build();
    Tokens tokens = Tokens.of(text, new Plain(table));
    int[] longest = {0};
    table.find(
        tokens,
        0,
        tokens.behind(0),
        (output, end, skipped) -> {
          assertThat(output).isEqualTo(7);
          longest[0] = Math.max(longest[0], end);
        });
    return longest[0] == 0 ? "" : text.substring(0, tokens.end(longest[0] - 1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      emptyValue = "",
      textBlock =
          """
          opacit*             ; Opacities seen                ; Opacities
          opacit*             ; opaque                        ; ''
          opacity             ; opacityx                      ; ''
          (a|b c) d           ; b c d e                       ; b c d
          (a|b c) d           ; a d                           ; a d
          (a|b c) d           ; b d                           ; ''
          a [b] c             ; a c                           ; a c
          a [b|d e] c         ; a d e c                       ; a d e c
          a ..2 d             ; a b c d                       ; a b c d
          a ..1 d             ; a b c d                       ; ''
          a .. d              ; a b, d                        ; ''
          a , d               ; a, d                          ; a, d
          @HEART is           ; cardiac silhouette is normal  ; cardiac silhouette is
          [@BOTH] (x|@HEART)  ; mediastinum heart             ; mediastinum heart
          port a cath         ; Port-a-cath in place          ; Port-a-cath
          patients            ; Patient's film                ; Patient's
          no (a|[big] b)      ; no big b                      ; no big b
          no (a|[big] b)      ; no b                          ; no b
          (a*|ab) c           ; abx c                         ; abx c
          """)
  void aPhraseStandsForTheRowsOfWordsThatItsSignsSay(String phrase, String text, String expected) {
    assertThat(found(phrase, text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          a (b|c      ; without its pair
          a b)        ; without its pair
          @LIVER is   ; @LIVER
          [a] [b]     ; without any word
          œdema       ; ASCII
          """)
  void aPhraseThatCannotBeReadIsNamed(String phrase, String message) {
    assertThatThrownBy(() -> found(phrase, "a"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(message);
  }

  @Test
  void everyPhraseOfTheTablesBelongsToAKnownSection() {
    for (String name : List.of("mentions.txt", "signs.txt", "normal.txt", "other.txt")) {
      List<PhraseTable.Line> lines = PhraseTable.read(name);
      assertThat(lines).as(name).isNotEmpty();
      boolean wholeFilm = name.equals("mentions.txt") || name.equals("normal.txt");
      for (PhraseTable.Line line : lines) {
        for (String finding : line.section().split(",", -1)) {
          assertThat(wholeFilm || Finding.of(finding) != Finding.NO_FINDING)
              .as("%s: %s", name, line)
              .isTrue();
        }
      }
    }
    assertThatThrownBy(() -> Cue.of("denise what follows"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("denies what follows");
  }

  @Test
  void everyMentionWithoutAGapStatesItsFindingByItself() {
    RuleLabeler labeler = new RuleLabeler();
    var silent = new ArrayList<String>();
    for (PhraseTable.Line line : PhraseTable.read("mentions.txt")) {
      if (line.text().matches("[a-z ]+")) {
        Finding finding = Finding.of(line.section());
        if (labeler.label(line.text()).state(finding) != FindingState.PRESENT) {
          silent.add(line.section() + ": " + line.text());
        }
      }
    }
    assertThat(silent).isEmpty();
  }
}
