{% macro say_messages(results) %}
    {#- For each test that found rows which say in a column `message` what is wrong: says the first of them. -#}
    {% if execute %}
        {% for result in results if result.node.resource_type == 'test' and result.status in ('warn', 'fail') %}
            {% if result.node.config.get('meta', {}).get('has_message') %}
                {% set query = 'select message from (' ~ result.node.compiled_code ~ ') as found order by message limit 5' %}
                {% for message in run_query(query).columns[0].values() %}
                    {% do log(result.node.name ~ ': ' ~ message, info=True) %}
                {% endfor %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}
