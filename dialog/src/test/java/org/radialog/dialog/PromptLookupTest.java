package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
  private static PromptLookup reading(long... text) {
    PromptLookup lookup = new PromptLookup();
    lookup.read(text, text.length);
    return lookup;
  }

  @Test
  void goesOnAsWhereTheLongestEndStoodBefore() {
    // 7 8 9 was followed by 1, the later 9 alone by 5.
    assertThat(reading(7, 8, 9, 1, 2, 3, 9, 5, 7, 8, 9).propose(3)).startsWith(1, 2);
  }

  @Test
  void theLatestOfEqualPlacesCounts() {
    assertThat(reading(7, 8, 1, 7, 8, 2, 7, 8).propose(1)).containsExactly(2);
  }

  @Test
  void nothingIsGuessedFromNothing() {
    assertThat(new PromptLookup().propose(3)).isEmpty();
    assertThat(reading(1, 2, 3, 4).propose(3)).isEmpty();
    assertThat(reading(7, 8, 1, 7, 8).propose(0)).isEmpty();
  }

  @Test
  void aFilmIsAgreedWithButNotGuessed() {
    assertThat(reading(7, -2, -3, 5, 7, -2, -3).propose(3)).containsExactly(5, 7);
    assertThat(reading(4, 7, -2, 6, 4, 7).propose(3)).isEmpty();
  }

  @Test
  void aTextThatBeginsAnewIsGuessedFromTheOneBefore() {
    PromptLookup lookup = reading(1, 2, 3);
    for (int token = 10; token < 20; token++) {
      lookup.answer(token);
    }
    lookup.read(new long[] {1, 4, 2, 3}, 4);
    assertThat(lookup.propose(4)).startsWith(10, 11);
  }

  @Test
  void aTextThatGoesOnIsNotRememberedTwice() {
    PromptLookup lookup = reading(1, 2, 3);
    lookup.answer(4);
    // Were it, 4 would stand before 1.
    lookup.read(new long[] {1, 2, 3, 4, 5, 6, 4}, 7);
    assertThat(lookup.propose(1)).containsExactly(5);
  }

  @Test
  void guessesThatAreNeverRightCease() {
    PromptLookup lookup = reading();
    int guesses = 0;
    // 1 is followed by another token each time.
    for (int i = 0; i < 200; i++) {
      lookup.answer(1);
      guesses = i < 100 ? 0 : guesses + lookup.propose(3).length;
      lookup.answer(10 + i);
    }
    assertThat(guesses).isZero();
    // And begin again where text is copied.
    for (int i = 0; i < 60; i++) {
      lookup.answer(1000 + i % 20);
    }
    assertThat(lookup.propose(3)).containsExactly(1000, 1001, 1002);
  }

  @Test
  void aLongConversationIsForgottenNotKeptForEver() {
    PromptLookup lookup = new PromptLookup();
    for (int turn = 0; turn < 60; turn++) {
      long first = turn;
      long[] text = LongStream.range(0, 2000).map(i -> i == 0 ? -5 - first : i % 997).toArray();
      lookup.read(text, text.length);
      assertThat(lookup.propose(2)).containsExactly(2000 % 997, 2001 % 997);
    }
  }

  @Property(tries = 300)
  void whatIsGuessedStoodBehindTheLastTokenBefore(
      @ForAll @Size(max = 80) int @IntRange(max = 4) [] text, @ForAll @IntRange(max = 6) int most) {
    PromptLookup lookup = new PromptLookup();
    Arrays.stream(text).forEach(lookup::answer);
    int[] guess = lookup.propose(most);
    assertThat(guess.length).isLessThanOrEqualTo(most);
    if (guess.length > 0) {
      int[] run = new int[guess.length + 1];
      run[0] = text[text.length - 1];
      System.arraycopy(guess, 0, run, 1, guess.length);
      assertThat(occurs(run, text)).isTrue();
    }
  }

  private static boolean occurs(int[] run, int[] text) {
    for (int i = 0; i + run.length <= text.length; i++) {
      if (Arrays.equals(run, 0, run.length, text, i, i + run.length)) {
        return true;
      }
    }
    return false;
  }
}
