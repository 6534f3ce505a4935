package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.published.StrictJson;
import org.radialog.tasks.InstructMix;

class RecipeTest {
  @TempDir private Path folder;

  /**
   * An invalid recipe: text of the recipe mini, its invalid replacement, and the expected message.
   */
  private record Wrong(String right, String wrong, String said) {}

  private static final List<Wrong> WRONG =
      List.of(
          new Wrong("\"batch\" : 16", "\"batch\" : 1", "classifier.batch is 1, expected a whole"),
          new Wrong(
              "\"passes\" : 12", "\"passes\" : 1.5", "alignment.passes: expected a whole number"),
          new Wrong("\"dialogs\" : 16000,", "", "language.dialogs: "),
          new Wrong("\"dialogs\" : 16000", "\"dialogs\" : 7", "language.dialogs is 7, expected"),
          new Wrong(
              "\"passes\" : 12",
              "\"passes\" : 12, \"flor\" : 1",
              "unknown field 'alignment.flor', expected one of"),
          new Wrong(
              "\"warm_up\" : 0.03",
              "\"warm_up\" : 1",
              "alignment.warm_up is 1.0, expected at least 0 and less than 1"),
          new Wrong(
              "\"rate\" : 0.001", "\"rate\" : 0", "classifier.rate is 0.0, expected more than 0"),
          new Wrong(
              "\"side\" : 320", "\"side\" : \"320\"", "model.image.side: expected a whole number"),
          new Wrong("\"efficientnet-lite0\"", "\"resnet50\"", "training supports only"),
          new Wrong("\"q_proj\"", "\"c_attn\"", "found \"c_attn\""),
          new Wrong("\"report\" : 0.22", "\"report\" : 0.9", "report + report_dialog = 1.24"),
          new Wrong("\"threads\" : 2", "\"threads\" : null", "threads: "),
          new Wrong("\"radialog-mini\"", "\"../mini\"", "id is \"../mini\", expected letters"),
          new Wrong("\"seed\" : 1,", "\"seed\" : 1, \"seed\" : 2,", "is not JSON"));

  @Test
  void theRecipeOfTheEmbeddedModelIsAFileThatCanBeReadAndChanged() throws Exception {
    Path file = Files.writeString(folder.resolve("mine.json"), Recipe.text("mini"));
    Recipe mini = Recipe.read(file);
    assertThat(mini).isEqualTo(Recipe.named("mini"));
    assertThat(mini.language().steps()).isEqualTo(2000);
    assertThat(mini.language().mix()).isEqualTo(InstructMix.DEFAULT);
    assertThat(mini.classifier())
        .isEqualTo(
            new ClassifierRecipe(
                5, 224, 3, 16, -1, 1e-3, 0.4, 0.02, 0.99, true, false, 0.3, 0, 0, 0, 5, 0));

    Files.writeString(file, Recipe.text("mini").replace("\"passes\" : 12", "\"passes\" : 3"));
    assertThat(Recipe.read(file).alignment().passes()).isEqualTo(3);
    Files.writeString(file, StrictJson.text(SmallRuns.recipe()));
    assertThat(Recipe.read(file)).isEqualTo(SmallRuns.recipe());
  }

  @Test
  void aWrongRecipeIsRefusedByOneLineThatNamesFileAndField() throws Exception {
    for (Wrong wrong : WRONG) {
      String text = Recipe.text("mini").replaceFirst("(?s)" + quoted(wrong.right), wrong.wrong);
      assertThat(text).as(wrong.toString()).isNotEqualTo(Recipe.text("mini"));
      Path file = Files.writeString(folder.resolve("wrong.json"), text);
      assertThatThrownBy(() -> Recipe.read(file))
          .as(wrong.toString())
          .isInstanceOf(RadialogException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContaining(wrong.said)
          .message()
          .doesNotContain("\n");
    }
  }

  private static String quoted(String text) {
    return Pattern.quote(text);
  }

  @Test
  void aRecipeThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> Recipe.read(folder.resolve("none.json")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("none.json");
    assertThatThrownBy(() -> Recipe.named("maxi"))
        .isInstanceOf(RadialogException.class)
        .hasMessage("there is no recipe maxi: expected one of [mini]");
  }
}
