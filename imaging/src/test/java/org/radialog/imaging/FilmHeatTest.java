package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.radialog.imaging.FilmHeat.Place;

class FilmHeatTest {
  private static final Preprocessing.Part WHOLE = new Preprocessing.Part(0, 0, 1, 1);

  @Test
  void theHottestCellIsNamedByItsCentre() {
    FilmHeat map = new FilmHeat(List.of(0f, 0.2f, 0f, 0f, 0f, 0f, 1f, 0f), 2, 4, WHOLE);
    Place place = map.place().orElseThrow();
    assertThat(place.x()).isEqualTo(0.625);
    assertThat(place.y()).isEqualTo(0.75);
    assertThat(place.left()).isCloseTo(0.2 / 1.2, within(1e-6));
  }

  @Test
  void aMapWithoutHeatHasNoPlace() {
    assertThat(new FilmHeat(List.of(0f, 0f), 1, 2, WHOLE).place()).isEmpty();
  }

  @Test
  void theSquareOfAFilmThatIsNotSquareLiesInItsMiddle() {
    // 640 x 320 becomes 320 x 160, of which the square takes columns 88 to 232 and rows 8 to 152.
    var seen = new Preprocessing(160, 144, DicomRecipe.VOI).seen(640, 320);
    assertThat(seen)
        .isEqualTo(new Preprocessing.Part(88 / 320.0, 8 / 160.0, 144 / 320.0, 144 / 160.0));
    FilmHeat map = new FilmHeat(List.of(0f, 1f, 0f, 0f), 2, 2, seen);
    Place place = map.place().orElseThrow();
    assertThat(place.x()).isCloseTo((88 + 108) / 320.0, within(1e-12));
    assertThat(place.y()).isCloseTo((8 + 36) / 160.0, within(1e-12));
    assertThat(place.left()).isZero();
    assertThat(map.cellWidth()).isEqualTo(72 / 320.0);
    assertThat(map.cellHeight()).isEqualTo(72 / 160.0);
  }

  @Test
  void aCellOverTheMiddleOfTheFilmCountsForBothHalves() {
    FilmHeat map = new FilmHeat(List.of(1f, 2f, 3f), 1, 3, WHOLE);
    assertThat(map.place().orElseThrow().left()).isCloseTo(2 / 6.0, within(1e-6));
    assertThat(map.cells().stream().map(Place::left)).containsExactly(1.0, 0.5, 0.0);
  }

  @Test
  void theMeanOfOtherMapsLiesOnThisFilm() {
    var part = new Preprocessing.Part(0.25, 0, 0.5, 1);
    FilmHeat mean =
        new FilmHeat(List.of(9f, 9f), 1, 2, part)
            .mean(
                List.of(
                    new FilmHeat(List.of(0f, 1f), 1, 2, WHOLE),
                    new FilmHeat(List.of(1f, 0.5f), 1, 2, WHOLE)));
    assertThat(mean).isEqualTo(new FilmHeat(List.of(0.5f, 0.75f), 1, 2, part));
  }
}
