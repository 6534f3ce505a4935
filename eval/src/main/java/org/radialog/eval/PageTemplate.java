package org.radialog.eval;

import com.samskivert.mustache.Mustache;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.radialog.base.RadialogException;

/** HTML pages from the templates beside the classes that fill them in. */
public final class PageTemplate {
  private PageTemplate() {}

  /**
   * A page: every value is escaped unless the template says that it is HTML, a missing one is a
   * mistake, and an empty text is false.
   *
   * @param owner the class beside which the template lies
   * @param name of the template's file
   * @param values by the names that the template has for them
   */
  public static String filled(Class<?> owner, String name, Map<String, Object> values) {
    try (InputStream in = owner.getResourceAsStream(name)) {
      if (in == null) {
        throw new RadialogException(
            "%s is missing from the class path: build the room of %s"
                .formatted(name, owner.getPackageName()));
      }
      return Mustache.compiler()
          .escapeHTML(true)
          .emptyStringIsFalse(true)
          .defaultValue("")
          .compile(new InputStreamReader(in, StandardCharsets.UTF_8))
          .execute(values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
