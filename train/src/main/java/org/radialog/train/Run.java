package org.radialog.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Starts a stage from the command line, with lines for a log instead of bars. */
final class Run {
  private Run() {}

  /** {@code classifier run=DIR data=DIR fold=K init=FILE [recipe field=value]...}. */
  public static void main(String[] arguments) {
    Map<String, String> given = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      String[] pair = arguments[i].split("=", 2);
      given.put(pair[0], pair.length == 2 ? pair[1] : "");
    }
    Path folder = Path.of(take(given, "run"));
    if (arguments[0].equals("classifier")) {
      ClassifierTraining.train(
          new ClassifierTraining.Config(
              Path.of(take(given, "data")),
              Integer.parseInt(take(given, "fold")),
              Path.of(take(given, "init")),
              recipe(ClassifierTraining.Recipe.DEFAULT, given)),
          folder,
          new Lines());
    } else {
      throw new RadialogException("unknown stage " + arguments[0] + ": expected classifier");
    }
  }

  private static String take(Map<String, String> given, String name) {
    String value = given.remove(name);
    if (value == null) {
      throw new RadialogException("argument " + name + "=... is missing");
    }
    return value;
  }

  private static ClassifierTraining.Recipe recipe(
      ClassifierTraining.Recipe base, Map<String, String> changes) {
    ObjectNode node = Json.MAPPER.valueToTree(base);
    changes.forEach((name, value) -> {
      JsonNode number = Json.MAPPER.readTree(value);
      if (!node.has(name)) {
        throw new RadialogException("the recipe has no " + name + ": expected one of " + node);
      }
      node.set(name, number);
    });
    return Json.MAPPER.treeToValue(node, ClassifierTraining.Recipe.class);
  }

  /** A line every ten seconds. */
  private static final class Lines implements Progress {
    @Override
    public Task start(String what, long steps) {
      return new Task() {
        private long done;
        private final long begun = System.nanoTime();
        private long said = begun;
        private String last = "";

        @Override
        public void step(String note) {
          done++;
          last = note;
          if (System.nanoTime() - said > 10_000_000_000L) {
            say();
          }
        }

        private void say() {
          said = System.nanoTime();
          System.err.printf(
              Locale.ROOT, "%s %d/%d %.0f s %s%n", what, done, steps, (said - begun) / 1e9, last);
        }

        @Override
        public void close() {
          say();
        }
      };
    }
  }
}
