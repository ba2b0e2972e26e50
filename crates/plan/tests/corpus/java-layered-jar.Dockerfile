# A jar taken apart into layers, with a wrapper that downloads the build tool
FROM eclipse-temurin:21-jdk-jammy AS deps
WORKDIR /build
COPY --chmod=0755 mvnw mvnw
COPY .mvn/ .mvn/
RUN --mount=type=bind,source=pom.xml,target=pom.xml \
    --mount=type=cache,target=/root/.m2 ./mvnw dependency:go-offline -DskipTests
FROM deps AS package
COPY ./src src/
RUN --mount=type=cache,target=/root/.m2 \
    ./mvnw package -DskipTests && \
    mv target/$(./mvnw help:evaluate -Dexpression=project.artifactId -q -DforceStdout)-*.jar target/app.jar
FROM package AS extract
RUN java -Djarmode=tools -jar target/app.jar extract --layers --destination target/extracted
FROM extract AS development
CMD [ "java", "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:8000", "-jar", "x.jar" ]
FROM eclipse-temurin:21-jre-jammy AS final
COPY --from=extract build/target/extracted/dependencies/ ./
COPY --from=extract build/target/extracted/application/ ./
ENTRYPOINT [ "java", "org.example.Launcher" ]
