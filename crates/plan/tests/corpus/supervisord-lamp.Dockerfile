# A whole server in one container: PHP, a database, a supervisor, and a layer for everything
FROM php:5.6-apache
MAINTAINER web team
RUN apt-get update -y
RUN apt-get install -y mysql-server supervisor
RUN docker-php-ext-install -j$(nproc) mysqli pdo_mysql \
	&& a2enmod rewrite
ADD supervisord.conf /etc/supervisor/conf.d/supervisord.conf
ADD app.tar.gz /var/www/html
RUN chown -R www-data:www-data /var/www/html
ENV MYSQL_USER=root MYSQL_PASS=**Random**
RUN echo "<?php phpinfo();" >> /var/www/html/info.php ; \
    echo "max_execution_time = 60" > /usr/local/etc/php/conf.d/time.ini
VOLUME  ["/etc/mysql", "/var/lib/mysql" ]
EXPOSE 80 3306
CMD ["/usr/bin/supervisord", "-n"]
