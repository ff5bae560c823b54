package syncer.eureka;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Asks everybody for a user and password, written user:password in the property test.auth. */
@Component
@ConditionalOnProperty("test.auth")
@Order(Ordered.HIGHEST_PRECEDENCE)
class BasicAuth extends OncePerRequestFilter {
    private final String expected;

    BasicAuth(@Value("${test.auth}") String auth) {
        byte[] bytes = auth.getBytes(StandardCharsets.UTF_8);
        expected = "Basic " + Base64.getEncoder().encodeToString(bytes);
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (expected.equals(request.getHeader("Authorization"))) {
            chain.doFilter(request, response);
            return;
        }
        response.setHeader("WWW-Authenticate", "Basic realm=\"eureka\"");
        response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
    }
}
