# PHP with extensions, the package manager out of its own image, settings written by printf
FROM composer:2 AS vendor
COPY database/ database/
COPY composer.json composer.lock ./
RUN composer install --ignore-platform-reqs --no-dev --no-scripts
FROM php:8.4-fpm-alpine
ENV PHP_OPCACHE="1"
RUN apk add --no-cache $PHPIZE_DEPS icu-dev \
 && docker-php-ext-install -j"$(nproc)" intl opcache \
 && { \
      echo 'opcache.memory_consumption=128'; \
      echo 'opcache.revalidate_freq=2'; \
    } > $PHP_INI_DIR/conf.d/opcache.ini
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
COPY --chown=www-data:www-data . /var/www/html
COPY --from=vendor /app/vendor/ /var/www/html/vendor/
STOPSIGNAL SIGQUIT
EXPOSE 9000
CMD ["php-fpm"]
