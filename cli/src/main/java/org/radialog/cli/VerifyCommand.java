package org.radialog.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Verification;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog verify DIR}: digests, packed weights and the self test of a model folder. */
@Command(
    name = "verify",
    description = {
      "Checks the digests of the files in a model folder and the packed weights made"
          + " from them, and runs the self test."
    },
    mixinStandardHelpOptions = true)
final class VerifyCommand implements Callable<Integer> {
  @Parameters(index = "0", arity = "1", paramLabel = "DIR", description = "A model folder")
  private Path folder = Path.of("");

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    Verification verification = RaDialog.verify(folder, ModelOptions.cached());
    if (json) {
      ObjectNode root = Json.object();
      root.put("path", folder.toString());
      root.put("holds", verification.holds());
      root.set("checks", Json.tree(verification.checks()));
      Terminal.data().println(root);
    } else {
      for (Verification.Check check : verification.checks()) {
        if (check.holds()) {
          System.out.printf("%-28s holds  %s%n", check.name(), check.detail());
        }
      }
    }
    verification.checks().stream()
        .filter(check -> !check.holds())
        .forEach(check -> Terminal.say(folder + ": " + check.name() + ": " + check.detail()));
    return verification.holds() ? Main.DONE : Main.SOME_FAILED;
  }
}
