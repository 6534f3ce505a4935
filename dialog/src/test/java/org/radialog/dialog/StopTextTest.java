package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class StopTextTest {
  @Test
  void textThatMayBecomeAStopIsHeldBackUntilItIsDecided() {
    var stop = new StopText(List.of("\nUSER:"));
    assertThat(stop.add("clear.\n")).isEqualTo("clear.");
    assertThat(stop.add("US")).isEmpty();
    assertThat(stop.add("ual")).isEqualTo("\nUSual");
    assertThat(stop.add("\nUSER")).isEmpty();
    assertThat(stop.add(": hello")).isEmpty();
    assertThat(stop.found()).isTrue();
    assertThat(stop.finish()).isEmpty();
  }

  @Test
  void whatIsHeldAtTheEndIsShown() {
    var stop = new StopText(List.of("END"));
    assertThat(stop.add("THE EN")).isEqualTo("THE ");
    assertThat(stop.finish()).isEqualTo("EN");
  }

  @Property
  void anyCutIntoPiecesShowsTheTextBeforeTheEarliestStop(
      @ForAll @Size(max = 12)
          List<@StringLength(max = 3) @CharRange(from = 'a', to = 'b') String> pieces,
      @ForAll @NotEmpty @Size(max = 2)
          List<@StringLength(min = 1, max = 4) @CharRange(from = 'a', to = 'b') String> stops) {
    String whole = String.join("", pieces);
    // The stop that is complete first ends the answer; of several, the one that begins first.
    int complete = Integer.MAX_VALUE;
    int length = 0;
    for (String piece : pieces) {
      length += piece.length();
      String soFar = whole.substring(0, length);
      if (stops.stream().anyMatch(soFar::contains)) {
        complete = length;
        break;
      }
    }
    String expected = whole;
    if (complete != Integer.MAX_VALUE) {
      String soFar = whole.substring(0, complete);
      int cut = stops.stream().mapToInt(soFar::indexOf).filter(i -> i >= 0).min().orElseThrow();
      expected = whole.substring(0, cut);
    }
    var stop = new StopText(stops);
    var shown = new StringBuilder();
    pieces.forEach(piece -> shown.append(stop.add(piece)));
    shown.append(stop.finish());
    assertThat(shown).hasToString(expected);
    assertThat(stop.found()).isEqualTo(complete != Integer.MAX_VALUE);
  }
}
